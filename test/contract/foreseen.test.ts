import { allChecks } from '@quorate/coordinator/conversion/checks/all'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { allProofs } from '@quorate/coordinator/conversion/proofs/all'
import { gatesForeseen, proofsForeseen } from '@quorate/coordinator/conversion/proofs/foreseen'
import t from 'tap'

const checks = new Set<string>(allChecks.map(({ id }) => id))
const rows = [...Object.entries(gatesForeseen), ...Object.entries(proofsForeseen)]

t.test('each step and each proof has a row, and nothing else has one', async (t) => {
  t.same(Object.keys(gatesForeseen).sort(), conversionOrder.map(({ id }) => id).sort())
  t.same(Object.keys(proofsForeseen).sort(), allProofs.map(({ id }) => id).sort())
})

t.test('each thing that is asked for is seen by checks that there are, or the step brings it about', async (t) => {
  for (const [id, things] of rows) {
    t.ok(things.length > 0, id)
    for (const { asks, checks: seenBy, stays = [], why } of things) {
      t.ok(why !== undefined || seenBy.length > 0, `${id}: ${asks}`)
      for (const check of seenBy) t.ok(checks.has(check), `${id}: ${check} is a check`)
      for (const check of stays) t.ok(seenBy.includes(check), `${id}: ${check} is among those that see it`)
    }
  }
})
