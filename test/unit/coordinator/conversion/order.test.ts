import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { workRemains } from '@quorate/coordinator/conversion/endpoint/work-remains'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { updateClusterInfo } from '@quorate/coordinator/conversion/steps/update-cluster-info'
import { nothingToUndo, widthOf } from '@quorate/coordinator/engine/step'
import t, { type Test as Tap } from 'tap'
import type { FixtureVersion } from '../../../support/fixtures.js'
import { PaperCluster, paperCall } from '../../../support/paper-cluster/cluster.js'

const order: readonly ConversionStep[] = conversionOrder

t.test('a step whose gate is watched meanwhile names a later step', async (t) => {
  for (const [index, { id, settleBefore }] of order.entries()) {
    if (settleBefore === undefined) continue
    t.ok(order.findIndex((step) => step.id === settleBefore) > index, `${id} settles before ${settleBefore}`)
  }
})

/** Each step as the engine takes it: planned anew, each action applied and its gate watched. */
async function convert(t: Tap, paper: PaperCluster): Promise<Record<string, number>> {
  const run = paper.run()
  const counts: Record<string, number> = {}
  for (const step of order) {
    run.refresh()
    const actions = await step.plan(run)
    counts[step.id] = actions.length
    const canary = step.canary?.(run) ?? 0
    t.ok((await widthOf(step, run)) >= 1, `${step.id} has a width`)
    const one = async (action: (typeof actions)[number]) => {
      const note = await step.apply(run, action, paperCall())
      const evidence = await step.verify(run, action, new AbortController().signal, note)
      t.ok(evidence.length > 0, `${step.id}: the gate of ${action.id} says what it saw`)
    }
    for (const action of actions.slice(0, canary)) await one(action)
    await Promise.all(actions.slice(canary).map(one))
  }
  return counts
}

/** How many actions each step of the documented procedure has on a cluster that kubeadm made with defaults, in their order. */
const textbook = {
  'request-certificates': 0,
  'take-signed-certificates': 0,
  'snapshot-etcd': 1,
  'back-up-files': 5,
  // its etcd listens for others already
  'let-etcd-listen': 0,
  'start-load-balancer': 3,
  'publish-endpoint-name': 5,
  'regenerate-apiserver-certificate': 1,
  'update-kubeadm-config': 1,
  // kubeadm already points these at their own API server
  'rewrite-first-kubelet': 0,
  'rewrite-control-plane-kubeconfigs': 0,
  'rewrite-admin-kubeconfigs': 2,
  'update-kube-proxy': 1,
  'rewrite-worker-kubeconfigs': 2,
  'update-cluster-info': 1,
  'scan-for-old-address': 1,
  'use-etcd-learners': 0,
  'prepare-joining': 2,
  'upload-certificates': 1,
  'join-control-planes': 2,
  'restore-learner-gate': 0,
  finish: 1,
  'prove-ha': 1,
}

const differently: Record<FixtureVersion, Partial<typeof textbook>> = {
  'v1.37.2': {},
  'v1.30.4': { 'rewrite-first-kubelet': 1 },
}

t.test('the order is the documented one, with what it omits in its place', async (t) => {
  // A new step is not in the table: docs/order.md shows its place, the test below runs it.
  const known = order.map(({ id }) => id).filter((id) => id in textbook)
  t.same(known, Object.keys(textbook))
})

for (const version of ['v1.37.2', 'v1.30.4'] as const) {
  t.test(`${version}: the whole order converts, and then nothing is left to do but to prove it`, async (t) => {
    const paper = new PaperCluster(version)
    const counts = await convert(t, paper)
    for (const [id, count] of Object.entries({ ...textbook, ...differently[version] })) t.equal(counts[id], count, id)
    const again = paper.run()
    const left = await Promise.all(order.map(async (step) => ((await step.plan(again)).length > 0 ? [step.id] : [])))
    t.same(left.flat(), ['prove-ha'])
    const backends = paper.node('k8smaster1').backends.map(({ address }) => address)
    t.same(backends, ['192.168.13.30', '192.168.13.31', '192.168.13.32'], 'neither of two joins loses the other one')
    t.same(paper.cluster.joinTokenIds, [], 'no token of the run is left')
  })
}

t.test('a plan shows what every later step would do, before anything is done', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  const before = await Promise.all(order.map((step) => step.plan(run)))
  t.same(paper.asked, [], 'a plan changes nothing')
  const known = new Map(
    before.flatMap((actions, index) => actions.map((action) => [`${order[index]?.id}/${action.id}`, action] as const)),
  )
  // What the engine holds each step against while it runs: an action of its plan, to the letter.
  const again = paper.run()
  for (const step of order) {
    again.refresh()
    for (const action of await step.plan(again)) {
      t.same(action, known.get(`${step.id}/${action.id}`), `${step.id}/${action.id} is what was approved`)
      await step.apply(again, action, paperCall())
    }
  }
})

t.test('a backup is made wherever a step that can be undone has something to do, whichever step that is', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  await convert(t, paper)
  const plain = paper.run()
  t.notOk(await workRemains(plain), 'a converted cluster needs none')
  const [first] = plain.controlPlanes
  const action = { id: 'x', node: first?.name ?? '', does: 'something new', diffs: [] }
  const added: ConversionStep = { ...updateClusterInfo, id: 'added', plan: async () => [action] }
  const withOrder = (more: ConversionStep) => ({ ...plain, order: [...order, more] })
  t.ok(await workRemains(withOrder(added)), 'a step that nobody listed')
  t.notOk(await workRemains(withOrder({ ...added, rollback: nothingToUndo('it only looks') })), 'what only looks')
})
