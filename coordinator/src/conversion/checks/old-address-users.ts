import { findingOf, oldAddressUsers } from '../endpoint/old-address.js'
import type { Check } from './check.js'

const id = 'old-address-users'

/** What no step fixes and the final scan would find: reported before the run, so that it can be fixed first (F38). */
export const oldAddressUsersCheck: Check = {
  id,
  title: 'No client outside the fleet uses the address of the first control plane',
  async check(run) {
    const { users, skipped } = await oldAddressUsers(run)
    const others = users.filter(({ kind }) => kind.fixedBy === undefined)
    return [
      ...others.map((user) => {
        const stops =
          user.kind.severity === 'error'
            ? ' No step changes it, and the conversion would stop at scan-for-old-address.'
            : ''
        const { remedy, ...finding } = findingOf(user)
        return { ...finding, id, severity: 'warning' as const, remedy: `When the endpoint answers: ${remedy}${stops}` }
      }),
      ...skipped.map((finding) => ({ ...finding, id })),
    ]
  },
}
