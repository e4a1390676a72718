import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { allProofs } from '@quorate/coordinator/conversion/proofs/all'
import { fixOf, notOnItsNode, whyNoStep } from '@quorate/coordinator/runs/fix/fixed-by'
import t from 'tap'

const order: readonly ConversionStep[] = conversionOrder
/** What `verify` says beside the proofs of the list. */
const besideTheList = ['agents', 'nobody-missing']
const proofs = [...allProofs.map(({ id }) => id), ...besideTheList]
const fixed = proofs.filter((proof) => 'steps' in fixOf(order, proof))

t.test(
  'each proof is fixed by steps that say so, or a sentence says why by none; and nothing else is named',
  async (t) => {
    t.same([...fixed, ...Object.keys(whyNoStep)].sort(), proofs.sort(), 'one of both, never both')
    for (const proof of order.flatMap(({ fixes = [] }) => fixes)) t.ok(allProofs.includes(proof), proof.id)
    for (const [proof, why] of Object.entries(whyNoStep)) t.match(why, /^[A-Z`].*\.$/, `${proof}: a sentence`)
    for (const proof of Object.keys(notOnItsNode)) t.ok(fixed.includes(proof), `${proof} is fixed by a step`)
  },
)

t.test('the steps that fix a proof are in the order in which they run', async (t) => {
  t.match(fixOf(order, 'endpoint-answers'), {
    steps: [
      'request-certificates',
      'take-signed-certificates',
      'start-load-balancer',
      'publish-endpoint-name',
      'regenerate-apiserver-certificate',
    ],
  })
  t.match(fixOf([], 'kube-proxy'), { noStep: /no step/ }, 'an order without the step offers none')
  t.match(fixOf(order, 'of-a-later-version'), { noStep: /no step/ })
})

t.test('a step that fixes is one that changes something, can be undone or made again, and joins nobody', async (t) => {
  const fixing = order.filter(({ fixes = [] }) => fixes.length > 0)
  t.ok(fixing.length > 0)
  for (const { id, rollback } of fixing) {
    t.notMatch(id, /join|upload/)
    if (id !== 'finish') t.type(rollback, 'function', `${id} can be undone`)
  }
})
