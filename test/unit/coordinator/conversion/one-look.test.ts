import type { NodeEntry } from '@quorate/coordinator/config/cluster-file'
import { componentRestarted, leads } from '@quorate/coordinator/conversion/clients/elected'
import { kubeProxyRolledOut } from '@quorate/coordinator/conversion/clients/kube-proxy'
import { kubeletSilent, kubeletWorks } from '@quorate/coordinator/conversion/clients/kubelet-works'
import type { ConversionRun } from '@quorate/coordinator/conversion/context/run'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import { untilProved } from '@quorate/coordinator/conversion/proofs/until-proved'
import { finish } from '@quorate/coordinator/conversion/steps/finish'
import { joinControlPlanes } from '@quorate/coordinator/conversion/steps/join-control-planes'
import { updateKubeProxy } from '@quorate/coordinator/conversion/steps/update-kube-proxy'
import type { RecordedFinding } from '@quorate/coordinator/engine/recorded-finding'
import type { PodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import t from 'tap'
import { PaperCluster, paperCall } from '../../../support/paper-cluster/cluster.js'

const never = new AbortController().signal
const soon = () => AbortSignal.timeout(400)
const worker = 'k8sworker1.example.com'
const endpoint = 'https://apiserver.example.com:8443'
const order: readonly ConversionStep[] = conversionOrder

const accepted = (id: string, message: string, node?: string): RecordedFinding => ({
  ...{ id, severity: 'error', message, evidence: 'seen', remedy: 'r', ignoredBecause: 'known' },
  ...(node === undefined ? {} : { node }),
})
const accepting = (run: ConversionRun, ...findings: RecordedFinding[]): ConversionRun => ({
  ...run,
  accepted: findings,
})

async function converted(): Promise<PaperCluster> {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  for (const step of order) {
    run.refresh()
    for (const action of await step.plan(run)) await step.apply(run, action, paperCall())
  }
  paper.asked.length = 0
  return paper
}

const proxyOf = (paper: PaperCluster, node: string): PodFacts =>
  paper.cluster.pods.find((pod) => pod.app === 'kube-proxy' && pod.node === node) as PodFacts

t.test('a kube-proxy that crashed before is replaced and not waited for, ready or not at this moment', async (t) => {
  for (const ready of [true, false]) {
    const paper = new PaperCluster('v1.37.2')
    proxyOf(paper, worker).ready = ready
    const run = accepting(paper.run(), accepted('kube-proxy', 'not ready', worker))
    const [action] = await updateKubeProxy.plan(run)
    if (action === undefined) throw new Error('nothing planned')
    await updateKubeProxy.apply(run, action, paperCall())
    t.match(paper.asked.at(-1)?.request['onlyNodes'], [/k8smaster1/, /k8sworker1/, /k8sworker2/])
    // Ready again at the very moment of the gate, and not connected to anything yet.
    proxyOf(paper, worker).ready = true
    paper.node('k8sworker1').connected.delete('kube-proxy')
    const look = await kubeProxyRolledOut(run, never)
    t.ok(look.holds, 'nobody waits for it')
    if (look.holds) t.match(look.value.at(-1), { what: 'SO BEFORE THE CONVERSION: kube-proxy' })
  }
})

t.test('of the others each is waited for while its pod is being replaced', async (t) => {
  const paper = await converted()
  // Of each look a run of its own: gates of one moment share what they read.
  const look = () => kubeProxyRolledOut(accepting(paper.run(), accepted('kube-proxy', 'not ready', worker)), never)
  const other = proxyOf(paper, 'k8sworker2.example.com')
  other.ready = false
  t.match(await look(), { holds: false, seen: /no pod is ready on k8sworker2/ })
  paper.cluster.pods = paper.cluster.pods.filter((pod) => pod !== other)
  const left = paper.cluster.pods.filter(({ app }) => app === 'kube-proxy').length
  Object.assign(paper.cluster.kubeProxyRollout ?? {}, { desired: left + 1 })
  t.match(await look(), { holds: false, seen: /no pod is ready on k8sworker2/ }, 'no pod now')
  Object.assign(paper.cluster.kubeProxyRollout ?? {}, { desired: left })
  t.match(await look(), { holds: true }, 'its DaemonSet selects other nodes only')
})

t.test(
  'a Lease is not waited for where this component was not led before, and is where another one was not',
  async (t) => {
    const run = new PaperCluster('v1.37.2').run()
    const first = run.first
    const unled = accepting(run, accepted('leases', 'kube-scheduler has no leader: its Lease is no longer renewed'))
    const told = [{ what: 'SO BEFORE THE CONVERSION: leases' }]
    t.match([await leads(unled, 'kube-scheduler', never)], told)
    t.match(await leads(unled, 'kube-controller-manager', never), { what: /kube-controller-manager renewed/ })
    const restarted = { component: 'scheduler', before: 'kube-scheduler-1', signal: never } as const
    t.match(await componentRestarted(unled, first, restarted), told, 'nor its restart')
    await t.rejects(componentRestarted(run, first, { ...restarted, signal: soon() }))
    const down = accepting(run, accepted('static-pods-run', 'no container of kube-scheduler runs', first.name))
    t.match(await componentRestarted(down, first, restarted), [{ what: 'SO BEFORE THE CONVERSION: static-pods-run' }])
    // Who elects nobody runs: only its Lease does not move.
    const alone = accepting(
      run,
      accepted('leases', 'kube-scheduler elects no leader: three instances would all act at once'),
    )
    await t.rejects(componentRestarted(alone, first, { ...restarted, signal: soon() }))
    t.match([await leads(alone, 'kube-scheduler', never)], told)
  },
)

t.test('a proof spares the Lease that was not renewed before, and no other', async (t) => {
  const paper = await converted()
  paper.node('k8smaster1').clockAheadMs = 60_000
  const about = (name: string) => accepted('leases', `${name} has no leader: its Lease is no longer renewed`)
  const [manager, scheduler] = [about('kube-controller-manager'), about('kube-scheduler')]
  const proved = (run: ConversionRun) => untilProved(run, { signal: never, deadlineMs: 100 })
  t.match(
    (await proved(accepting(paper.run(), manager, scheduler))).filter(({ what }) => /^SO BEFORE/.test(what)),
    [{}, {}],
  )
  await t.rejects(proved(accepting(paper.run(), scheduler)), { message: /kube-controller-manager/ })
})

t.test('a kubelet that did not report before is told, one whose Node flaps is waited for', async (t) => {
  const paper = await converted()
  const run = paper.run()
  const node = run.workers[0] as NodeEntry
  for (const unit of paper.node('k8sworker1').facts.units) unit.activeState = 'failed'
  const silent = accepting(run, accepted('nodes-ready', kubeletSilent, worker))
  t.match(await kubeletWorks(silent, node, { server: endpoint, signal: never }), [
    { saw: `names ${endpoint}` },
    { what: 'SO BEFORE THE CONVERSION: nodes-ready' },
  ])
  await t.rejects(
    kubeletWorks(silent, node, { server: 'https://192.168.13.30:6443', signal: never }),
    'its file all the same',
  )
  const unready = accepting(run, accepted('nodes-ready', 'the node is not Ready', worker))
  await t.rejects(kubeletWorks(unready, node, { server: endpoint, signal: soon() }), 'its kubelet did report')

  const flapping = await converted()
  const object = flapping.cluster.nodes.find(({ name }) => name === worker)
  Object.assign(object ?? {}, { ready: false })
  setTimeout(() => Object.assign(object ?? {}, { ready: true }), 300)
  t.match(await kubeletWorks(flapping.run(), node, { server: endpoint, signal: never }), [{}, {}, { saw: 'Ready' }])
})

t.test('while CoreDNS is being placed nothing is planned away', async (t) => {
  const paper = await converted()
  t.same(await finish.plan(paper.run()), [], 'it is spread')
  const [, second] = paper.cluster.pods.filter(({ app }) => app === 'kube-dns') as [PodFacts, PodFacts]
  second.node = ''
  t.equal((await finish.plan(paper.run())).length, 1, 'one has no node')
  second.node = 'k8smaster2.example.com'
  second.revision = 'new'
  t.equal((await finish.plan(paper.run())).length, 1, 'it is being rolled')
})

t.test('a member that was a learner when the joins were planned, and votes now, is not joined again', async (t) => {
  const paper = await converted()
  const member = paper.members.find(({ name }) => name === 'k8smaster3.example.com')
  Object.assign(member ?? {}, { learner: true })
  const run = paper.run()
  const [action] = await joinControlPlanes.plan(run)
  t.match(action, { id: 'k8smaster3.example.com' })
  Object.assign(member ?? {}, { learner: false })
  run.refresh()
  const note = action && (await joinControlPlanes.apply(run, action, paperCall()))
  t.notOk(paper.asked.some(({ method }) => method === 'joinControlPlane'))
  if (action !== undefined) t.ok((await joinControlPlanes.verify(run, action, never, note)).length > 3)
})
