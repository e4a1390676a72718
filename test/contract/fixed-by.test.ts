import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { allProofs } from '@quorate/coordinator/conversion/proofs/all'
import { fixedBy } from '@quorate/coordinator/runs/fix/fixed-by'
import t from 'tap'

const order: readonly ConversionStep[] = conversionOrder
/** What `verify` says beside the proofs of the list. */
const besideTheList = ['agents', 'nobody-missing']

t.test('every proof names the steps that mend it, or says why there is none; and nothing else is named', async (t) => {
  t.same(Object.keys(fixedBy).sort(), [...allProofs.map(({ id }) => id), ...besideTheList].sort())
  for (const [proof, fix] of Object.entries(fixedBy)) {
    if ('noStep' in fix) t.match(fix.noStep, /^[A-Z`].*\.$/, `${proof}: a sentence`)
    else t.ok(fix.steps.length > 0, proof)
  }
})

t.test('a step that fixes is one that changes something, can be undone or made again, and joins nobody', async (t) => {
  const named = new Set(Object.values(fixedBy).flatMap((fix) => ('steps' in fix ? fix.steps : [])))
  for (const id of named) {
    const step = order.find((one) => one.id === id)
    t.ok(step, id)
    t.notMatch(id, /join|upload/)
    if (id !== 'finish') t.type(step?.rollback, 'function', `${id} can be undone`)
  }
})
