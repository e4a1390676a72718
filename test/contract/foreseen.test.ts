import { allChecks } from '@quorate/coordinator/conversion/checks/all'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { allProofs } from '@quorate/coordinator/conversion/proofs/all'
import t from 'tap'

const checks = new Set<string>(allChecks.map(({ id }) => id))

t.test(
  'each thing that a gate or a proof asks for is seen by checks that there are, or the step brings it about',
  async (t) => {
    for (const { id, foreseen } of [...conversionOrder, ...allProofs]) {
      t.ok(foreseen.length > 0, id)
      for (const { asks, checks: seenBy, stays = [], why } of foreseen) {
        t.ok(why !== undefined || seenBy.length > 0, `${id}: ${asks}`)
        for (const check of seenBy) t.ok(checks.has(check), `${id}: ${check} is a check`)
        for (const check of stays) t.ok(seenBy.includes(check), `${id}: ${check} is among those that see it`)
      }
    }
  },
)
