import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { withReliedProofs } from '@quorate/coordinator/conversion/proofs/relied-proofs'
import t from 'tap'
import { PaperCluster, paperCall } from '../../../support/paper-cluster/cluster.js'

const order: readonly ConversionStep[] = conversionOrder
const signal = new AbortController().signal
const stepOf = (id: string) => order.find((step) => step.id === id) as ConversionStep

/** As far as the step before that one. */
async function walkedTo(id: string): Promise<PaperCluster> {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  for (const step of order.slice(0, order.indexOf(stepOf(id)))) {
    run.refresh()
    for (const action of await step.plan(run)) await step.apply(run, action, paperCall())
  }
  return paper
}

t.test('every step that points something at the endpoint relies on it from every node', async (t) => {
  const steps = order.filter(({ reliesOn }) => reliesOn !== undefined)
  t.ok(steps.length > 5)
  for (const step of steps) {
    const paper = await walkedTo(step.id)
    const evidence = (await withReliedProofs(step).before?.(paper.run(), signal)) ?? []
    for (const node of paper.nodes.keys())
      t.ok(
        evidence.some(({ what }) => what.includes(node)),
        `${step.id}: ${node}`,
      )
  }
})

t.test('a step is not begun where one node has lost the endpoint, and says which and why', async (t) => {
  const paper = await walkedTo('update-kube-proxy')
  paper.world.probe = (from, { host }) =>
    from.startsWith('k8sworker2') && host === 'apiserver.example.com'
      ? { reached: 'tcp', error: 'ETIMEDOUT' }
      : undefined
  const step = withReliedProofs(stepOf('update-kube-proxy'))
  await t.rejects(async () => step.before?.(paper.run(), signal), {
    code: 'STEP_FAILED',
    where: 'k8sworker2.example.com',
    message: /update-kube-proxy was not begun: k8sworker2\.example\.com: .*ETIMEDOUT/,
  })
})

t.test('one lost packet is no reason to stop', async (t) => {
  const paper = await walkedTo('update-cluster-info')
  let lost = 0
  paper.world.probe = (from, { host }) =>
    from.startsWith('k8sworker1') && host === 'apiserver.example.com' && lost++ === 0
      ? { reached: 'tcp', error: 'ECONNRESET' }
      : undefined
  const evidence = await withReliedProofs(stepOf('update-cluster-info')).before?.(paper.run(), signal)
  t.ok(lost > 1)
  t.ok((evidence?.length ?? 0) > 0)
})

t.test('what relies on nothing is left as it is; a run has what its steps rely on', (t) => {
  t.equal(withReliedProofs(stepOf('snapshot-etcd')).before, undefined)
  const { order: ofRun } = new PaperCluster('v1.37.2').run()
  t.same(
    ofRun
      .filter(({ before }) => before !== undefined)
      .map(({ id }) => id)
      .sort(),
    // One has a proof of its own: that a person has signed.
    [...order.filter(({ reliesOn }) => reliesOn !== undefined).map(({ id }) => id), 'take-signed-certificates'].sort(),
  )
  t.end()
})
