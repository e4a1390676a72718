import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { allProofs } from '@quorate/coordinator/conversion/proofs/all'
import { mends } from '@quorate/coordinator/runs/fix/mends'
import t from 'tap'

const order: readonly ConversionStep[] = conversionOrder
/** What `verify` says beside the proofs of the list. */
const besideTheList = ['agents', 'nobody-missing']

t.test('every proof names the steps that mend it, or says why there is none; and nothing else is named', async (t) => {
  t.same(Object.keys(mends).sort(), [...allProofs.map(({ id }) => id), ...besideTheList].sort())
  for (const [proof, mending] of Object.entries(mends)) {
    if ('noStep' in mending) t.match(mending.noStep, /^[A-Z`].*\.$/, `${proof}: a sentence`)
    else t.ok(mending.steps.length > 0, proof)
  }
})

t.test('a step that mends is one that changes something, can be undone or made again, and joins nobody', async (t) => {
  const named = new Set(Object.values(mends).flatMap((mending) => ('steps' in mending ? mending.steps : [])))
  for (const id of named) {
    const step = order.find((one) => one.id === id)
    t.ok(step, id)
    t.notMatch(id, /join|upload/)
    if (id !== 'finish') t.type(step?.rollback, 'function', `${id} can be undone`)
  }
})
