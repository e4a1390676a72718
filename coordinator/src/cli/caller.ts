import { userInfo } from 'node:os'
import type { Starter } from '../runs/approvals/require.js'

/** The user of this machine, who may have come by sudo and by SSH. */
export function caller(): { readonly who: string; readonly from?: string } {
  const { username, uid } = userInfo()
  const { SUDO_USER: by, SSH_CONNECTION: connection } = process.env
  const [from] = (connection ?? '').split(' ')
  const who = `${username} (uid ${uid}${by === undefined ? '' : `, by sudo from ${by}`})`
  return { who, ...(from ? { from } : {}) }
}

/** Who starts a run by the command line: an approver with the name of this user, or of the one who used sudo, is the same person. */
export function starter(): Starter {
  const names = [userInfo().username, process.env['SUDO_USER'] ?? ''].filter((name) => name !== '')
  return { who: caller().who, names: names.map((name) => name.toLowerCase()) }
}
