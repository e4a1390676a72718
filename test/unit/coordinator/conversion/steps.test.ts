import { type ConversionRun, InProcess } from '@quorate/coordinator/conversion/context/run'
import type { ConversionStep } from '@quorate/coordinator/conversion/context/step'
import { patience } from '@quorate/coordinator/conversion/facts/patience'
import { coredns } from '@quorate/coordinator/conversion/proofs/coredns'
import { nodesReady } from '@quorate/coordinator/conversion/proofs/nodes-ready'
import { finish } from '@quorate/coordinator/conversion/steps/finish'
import { joinControlPlanes } from '@quorate/coordinator/conversion/steps/join-control-planes'
import { prepareJoining } from '@quorate/coordinator/conversion/steps/prepare-joining'
import { publishEndpointName } from '@quorate/coordinator/conversion/steps/publish-endpoint-name'
import { regenerateApiserverCertificate } from '@quorate/coordinator/conversion/steps/regenerate-apiserver-certificate'
import { restoreLearnerGate } from '@quorate/coordinator/conversion/steps/restore-learner-gate'
import { rewriteAdminKubeconfigs } from '@quorate/coordinator/conversion/steps/rewrite-admin-kubeconfigs'
import { rewriteControlPlaneKubeconfigs } from '@quorate/coordinator/conversion/steps/rewrite-control-plane-kubeconfigs'
import { rewriteFirstKubelet } from '@quorate/coordinator/conversion/steps/rewrite-first-kubelet'
import { rewriteWorkerKubeconfigs } from '@quorate/coordinator/conversion/steps/rewrite-worker-kubeconfigs'
import { scanForOldAddress } from '@quorate/coordinator/conversion/steps/scan-for-old-address'
import { startLoadBalancer } from '@quorate/coordinator/conversion/steps/start-load-balancer'
import { updateClusterInfo } from '@quorate/coordinator/conversion/steps/update-cluster-info'
import { updateKubeProxy } from '@quorate/coordinator/conversion/steps/update-kube-proxy'
import { updateKubeadmConfig } from '@quorate/coordinator/conversion/steps/update-kubeadm-config'
import { uploadCertificates } from '@quorate/coordinator/conversion/steps/upload-certificates'
import { useEtcdLearners } from '@quorate/coordinator/conversion/steps/use-etcd-learners'
import type { Action, DoneAction } from '@quorate/coordinator/engine/step'
import { QuorateError } from '@quorate/shared/errors'
import type { PodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { pointKubeconfigAt } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'
import { fixture } from '../../../support/fixtures.js'
import { doneAction, PaperCluster, paperCall } from '../../../support/paper-cluster/cluster.js'
import { clusterFile } from '../../../support/paper-cluster/state.js'

const place = filePlace('/etc/kubernetes/admin.conf')

const never = new AbortController().signal
const soon = () => AbortSignal.timeout(400)

async function take(run: ConversionRun, step: ConversionStep): Promise<void> {
  run.refresh()
  for (const action of await step.plan(run)) {
    const note = await step.apply(run, action, paperCall())
    await step.verify(run, action, never, note)
  }
}

/** A cluster just before the joins. */
async function readyToJoin(paper: PaperCluster): Promise<ConversionRun> {
  const run = paper.run()
  const steps = [
    startLoadBalancer,
    publishEndpointName,
    regenerateApiserverCertificate,
    updateKubeadmConfig,
    rewriteFirstKubelet,
  ]
  for (const step of [...steps, updateKubeProxy, rewriteWorkerKubeconfigs, updateClusterInfo, uploadCertificates])
    await take(run, step)
  run.refresh()
  paper.asked.length = 0
  return run
}

const only = async (step: ConversionStep, run: ConversionRun): Promise<Action> => {
  const [action] = await step.plan(run)
  if (action === undefined) throw new Error(`${step.id} plans nothing`)
  return action
}

t.test('a kubelet that reports no more fails its gate, whatever its Node says', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = await readyToJoin(paper)
  for (const unit of paper.node('k8sworker1').facts.units) unit.activeSinceUnixMs = Date.now()
  const action = { id: 'k8sworker1.example.com', node: 'k8sworker1.example.com', does: '', diffs: [] }
  await t.rejects(
    rewriteWorkerKubeconfigs.verify(run, action, soon(), undefined),
    'its Lease is older than the restart',
  )
  for (const node of paper.cluster.nodes) node.leaseRenewedUnixMs = Date.now() + 1
  t.match(await rewriteWorkerKubeconfigs.verify(run, action, never, undefined), [
    { what: /Lease/ },
    { saw: '192.168.13.100:8443' },
    { saw: 'Ready' },
  ])
  paper.node('k8sworker1').connected.set('kubelet', 'https://192.168.13.30:6443')
  await t.rejects(
    rewriteWorkerKubeconfigs.verify(run, action, soon(), undefined),
    'it is still connected to the first control plane',
  )
})

t.test('an API server that was restarted for its certificate fails the gate', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  for (const step of [startLoadBalancer, publishEndpointName]) await take(run, step)
  const action = await only(regenerateApiserverCertificate, run)
  const note = await regenerateApiserverCertificate.apply(run, action, paperCall())
  t.match(paper.asked.at(-1)?.request, { sans: ['apiserver.example.com', '192.168.13.100'], expectedSerial: '01' })
  paper.node('k8smaster1').containers.set('kube-apiserver', 2)
  await t.rejects(regenerateApiserverCertificate.verify(run, action, never, note), {
    code: 'STEP_FAILED',
    message: /restarted/,
  })
})

t.test('a certificate that is on disk and not shown fails the gate', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  for (const step of [startLoadBalancer, publishEndpointName]) await take(run, step)
  const action = await only(regenerateApiserverCertificate, run)
  const note = await regenerateApiserverCertificate.apply(run, action, paperCall())
  paper.world.probe = () => ({ reached: 'done', httpStatus: 200, certificateSha256: 'old-certificate' })
  await t.rejects(regenerateApiserverCertificate.verify(run, action, soon(), note))
})

t.test('kubeadm-config: anything else that changed fails the gate', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  const action = await only(updateKubeadmConfig, run)
  t.match(action.diffs[0]?.text, /\+controlPlaneEndpoint: apiserver.example.com:8443/)
  const note = await updateKubeadmConfig.apply(run, action, paperCall())
  t.match(await updateKubeadmConfig.verify(run, action, never, note), [{ saw: /nothing else/ }])
  const config = paper.configMap('kubeadmConfig')
  config.text = config.text.replace('10.96.0.0/12', '10.97.0.0/12')
  await t.rejects(updateKubeadmConfig.verify(run, action, never, note), { code: 'CONFIG_MAP_INVALID' })
  config.text = config.text.replace('10.97.0.0/12', '10.96.0.0/12').replace('proxy: {}', 'proxy: {disabled: true}')
  await t.rejects(
    updateKubeadmConfig.verify(run, action, never, note),
    { code: 'CONFIG_MAP_INVALID' },
    'also a key that the view does not have',
  )
})

t.test('a worker that joined meanwhile stops the run before the joins, and afterwards is told', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = await readyToJoin(paper)
  await take(run, rewriteAdminKubeconfigs)
  const action = await only(scanForOldAddress, run)
  await scanForOldAddress.verify(run, action, never, undefined)
  const [node] = paper.cluster.nodes
  if (node === undefined) throw new Error('no Node')
  paper.cluster.nodes.push({ ...node, name: 'late', controlPlane: false, internalIps: ['192.168.13.39'] })
  await t.rejects(scanForOldAddress.verify(run, action, never, undefined), {
    code: 'STEP_FAILED',
    message: /late: joined during the run/,
    remedy: /- \{name: late, address: 192\.168\.13\.39\}/,
  })
  run.refresh()
  const { findings } = await nodesReady.prove(run, never)
  t.match(
    findings.filter(({ node: name }) => name === 'late'),
    [{ severity: 'warning' }],
  )
})

t.test('an endpoint that is replaced: its name stays in certSANs, and admin.conf goes to the new one', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  paper.configMap('kubeadmConfig').text += 'controlPlaneEndpoint: k8s.example.com:6443\n'
  for (const file of paper.node('k8smaster1').kubeconfigs)
    if (file.purpose === 'admin') file.text = pointKubeconfigAt(file.text, 'https://k8s.example.com:6443', place)
  const run = paper.run()
  t.match(await only(rewriteAdminKubeconfigs, run), { id: /admin\.conf$/ })
  await take(run, updateKubeadmConfig)
  t.match(paper.asked.at(-1)?.request, { certSans: ['apiserver.example.com', '192.168.13.100', 'k8s.example.com'] })
  run.refresh()
  t.same(await updateKubeadmConfig.plan(run), [], 'the second time all is so')
})

t.test("users' kubeconfigs: those that name the first control plane, on any node, and no others", async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const text = fixture('v1.37.2', 'before/admin.conf')
  const user = (path: string, server: string) => ({
    purpose: 'user',
    path,
    text: pointKubeconfigAt(text, server, place),
  })
  paper
    .node('k8sworker1')
    .kubeconfigs.push(
      user('/root/.kube/config', 'https://192.168.13.30:6443'),
      user('/home/ann/.kube/config', 'https://elsewhere.example.com:6443'),
      user('/home/bob/.kube/config', 'https://127.0.0.1:6443'),
    )
  paper.node('k8smaster1').kubeconfigs.push(user('/home/cat/.kube/config', 'https://127.0.0.1:6443'))
  const actions = await rewriteAdminKubeconfigs.plan(paper.run())
  t.same(
    actions.map(({ id }) => id),
    [
      'k8smaster1.example.com:/etc/kubernetes/admin.conf',
      'k8smaster1.example.com:/etc/kubernetes/super-admin.conf',
      'k8smaster1.example.com:/home/cat/.kube/config',
      'k8sworker1.example.com:/root/.kube/config',
    ],
  )
  const diff = actions[0]?.diffs[0]?.text ?? ''
  t.match(diff, /-\s+server: https:\/\/192.168.13.30:6443\n\+\s+server: https:\/\/apiserver.example.com:8443/)
  t.notMatch(diff, /client-key-data: (?!<sha256)/, 'no key is in a plan')
})

t.test('where DNS publishes the name nothing is written', async (t) => {
  const file = { ...clusterFile, policy: { ...clusterFile.policy, manageHosts: false } }
  t.same(await publishEndpointName.plan(new PaperCluster('v1.37.2', file).run()), [])
})

t.test('a name that a node resolves to two addresses fails the gate', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  const action = await only(publishEndpointName, run)
  await t.rejects(publishEndpointName.verify(run, action, soon(), undefined), 'it resolves to nothing yet')
})

t.test(
  'policy load-balancer: kubelet, controller-manager and scheduler are rewritten and really restarted',
  async (t) => {
    const file = {
      ...clusterFile,
      policy: { ...clusterFile.policy, controlPlaneKubeconfigs: 'load-balancer' as const },
    }
    const paper = new PaperCluster('v1.37.2', file)
    const run = paper.run()
    t.equal((await rewriteFirstKubelet.plan(run)).length, 1)
    const actions = await rewriteControlPlaneKubeconfigs.plan(run)
    t.same(
      actions.map(({ id }) => id),
      ['controller-manager', 'scheduler'],
    )
    const [action] = actions as [Action]
    const note = await rewriteControlPlaneKubeconfigs.apply(run, action, paperCall())
    t.same(paper.methods('k8smaster1'), ['rewriteKubeconfig', 'restartStaticPod'])
    t.match(await rewriteControlPlaneKubeconfigs.verify(run, action, never, note), [
      { saw: 'kube-controller-manager-1 -> kube-controller-manager-2' },
      { what: /Lease/ },
    ])
    paper.node('k8smaster1').containers.set('kube-controller-manager', 1)
    await t.rejects(
      rewriteControlPlaneKubeconfigs.verify(run, action, soon(), note),
      'the same container is no restart',
    )
  },
)

t.test('the scan fails with all that still names the old address', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  const action = await only(scanForOldAddress, run)
  await t.rejects(scanForOldAddress.verify(run, action, never, undefined), {
    code: 'STEP_FAILED',
    message: /cluster-info.*kube-proxy|kube-proxy.*cluster-info/s,
  })
})

t.test('a joiner that kubeadm would refuse is told so before anything joins, and no token is left', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = await readyToJoin(paper)
  paper.cluster.joinTokenIds = []
  paper.kubeadmErrors = ['NumCPU: the number of available CPUs 1 is less than the required 2']
  const action = await only(prepareJoining, run)
  await t.rejects(prepareJoining.apply(run, action, paperCall()), {
    code: 'STEP_FAILED',
    message: /NumCPU/,
    where: 'k8smaster2.example.com',
  })
  t.same(paper.cluster.joinTokenIds, [])
})

t.test('a joiner that another one cannot reach fails the gate, and so does a stranger at its address', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = await readyToJoin(paper)
  const [, action] = (await prepareJoining.plan(run)) as [Action, Action]
  t.ok((await prepareJoining.verify(run, action, never, undefined)).length >= 4)
  paper.world.probe = (from, { host, port }) =>
    from === 'k8smaster2.example.com' && host === '192.168.13.32' && port === 2380
      ? { error: 'connect ETIMEDOUT' }
      : undefined
  await t.rejects(prepareJoining.verify(run, action, never, undefined), {
    message: /k8smaster2.*does not reach k8smaster3.*2380.*ETIMEDOUT/,
  })
  paper.world.probe = (_, { host, port }) =>
    host === '192.168.13.32' && port === 2379 ? { certificateSha256: 'other' } : undefined
  await t.rejects(prepareJoining.verify(run, action, never, undefined), { message: /another listener answers/ })
})

t.test('joins overlap where etcd has learners', async (t) => {
  const widthOf = async (paper: PaperCluster) => {
    const run = paper.run()
    await joinControlPlanes.plan(run)
    return typeof joinControlPlanes.width === 'number' ? joinControlPlanes.width : joinControlPlanes.width(run)
  }
  const old = new PaperCluster('v1.30.4')
  t.equal(await widthOf(new PaperCluster('v1.37.2')), 2)
  t.equal(await widthOf(old), 2)
  const older = new PaperCluster('v1.30.4')
  older.cluster.kubernetesVersion = 'v1.28.15'
  t.equal(await widthOf(older), 2, 'the gate is set for the joins')
  const none = new PaperCluster('v1.30.4')
  none.cluster.kubernetesVersion = 'v1.26.15'
  t.equal(await widthOf(none), 1)
})

t.test('each joiner is told before it joins that there is a moment without a way back', async (t) => {
  const actions = await joinControlPlanes.plan(new PaperCluster('v1.37.2').run())
  t.equal(actions.length, 2)
  for (const { noWayBack } of actions) t.match(noWayBack, /two voters/)
})

t.test('where three vote already nothing is without a way back', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const [member] = paper.members
  if (member === undefined) throw new Error('no member')
  paper.members.push({ ...member, id: '2', name: 'four' }, { ...member, id: '3', name: 'five' })
  for (const action of await joinControlPlanes.plan(paper.run())) t.notOk('noWayBack' in action)
})

t.test('an undone join takes away its own, quorum first, and leaves the other joiner alone', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = await readyToJoin(paper)
  const [second, third] = (await joinControlPlanes.plan(run)) as [Action, Action]
  await Promise.all([second, third].map((action) => joinControlPlanes.apply(run, action, paperCall())))
  paper.asked.length = 0
  const undo = joinControlPlanes.rollback as (
    run: ConversionRun,
    done: DoneAction,
    call: ReturnType<typeof paperCall>,
  ) => Promise<void>
  await undo(run, doneAction(third), paperCall())
  t.same(
    paper.asked.map(({ node, method }) => `${node.split('.')[0]} ${method}`),
    [
      'k8smaster3 handOverLeadership',
      'k8smaster1 applyLoadBalancer',
      'k8smaster2 applyLoadBalancer',
      'k8smaster3 applyLoadBalancer',
      'k8smaster3 drainNode',
      'k8smaster3 retireApiServer',
      'k8smaster1 removeEtcdMember',
      'k8smaster3 resetNode',
      'k8smaster1 deleteNode',
    ],
  )
  t.same(
    paper.node('k8smaster2').backends.map(({ address }) => address),
    ['192.168.13.30', '192.168.13.31'],
  )
  t.equal(paper.members.length, 2)
})

t.test('of two control planes that leave together neither is a backend again once it left', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = await readyToJoin(paper)
  const actions = (await joinControlPlanes.plan(run)) as [Action, Action]
  await Promise.all(actions.map((action) => joinControlPlanes.apply(run, action, paperCall())))
  paper.asked.length = 0
  const undo = joinControlPlanes.rollback as (
    run: ConversionRun,
    done: DoneAction,
    call: ReturnType<typeof paperCall>,
  ) => Promise<void>
  await Promise.all(actions.map((action) => undo(run, doneAction(action), paperCall())))
  const lists = paper.asked
    .filter(({ node, method }) => node.startsWith('k8smaster1.') && method === 'applyLoadBalancer')
    .map(({ request }) => (request as { backends: { name: string }[] }).backends.map(({ name }) => name.split('.')[0]))
  t.equal(lists.length, 2)
  t.equal(lists[0]?.length, 2, 'one after the other')
  t.same(lists[1], ['k8smaster1'])
})

t.test('an undone join stops where etcd would lose its quorum: nothing is reset', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = await readyToJoin(paper)
  const [second] = (await joinControlPlanes.plan(run)) as [Action]
  await joinControlPlanes.apply(run, second, paperCall())
  paper.failing = ({ method }) => {
    if (method === 'removeEtcdMember') throw new QuorateError('QUORUM_AT_RISK', 'one of two voters')
  }
  paper.asked.length = 0
  const undo = joinControlPlanes.rollback as (
    run: ConversionRun,
    done: DoneAction,
    call: ReturnType<typeof paperCall>,
  ) => Promise<void>
  await t.rejects(undo(run, doneAction(second), paperCall()), { code: 'QUORUM_AT_RISK' })
  t.notOk(paper.asked.some(({ method }) => method === 'resetNode' || method === 'deleteNode'))
})

t.test('a join that was refused before it began takes no Node away', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = await readyToJoin(paper)
  const [second] = (await joinControlPlanes.plan(run)) as [Action]
  paper.failing = ({ method }) => {
    if (method === 'resetNode') throw new QuorateError('NOT_JOINED_BY_THIS_RUN', 'not ours')
  }
  const undo = joinControlPlanes.rollback as (
    run: ConversionRun,
    done: DoneAction,
    call: ReturnType<typeof paperCall>,
  ) => Promise<void>
  await undo(run, doneAction(second), paperCall())
  t.notOk(paper.asked.some(({ method }) => method === 'deleteNode'))
})

t.test(
  'a node whose API server cannot be ended gently is undone all the same, one that etcd needs is left whole',
  async (t) => {
    const undo = joinControlPlanes.rollback as (
      run: ConversionRun,
      done: DoneAction,
      call: ReturnType<typeof paperCall>,
    ) => Promise<void>
    const paper = new PaperCluster('v1.37.2')
    const run = await readyToJoin(paper)
    const [second, third] = (await joinControlPlanes.plan(run)) as [Action, Action]
    await Promise.all([second, third].map((action) => joinControlPlanes.apply(run, action, paperCall())))
    paper.failing = ({ method }) => {
      if (method === 'retireApiServer') throw new QuorateError('AGENT_UNREACHABLE', 'for a moment')
    }
    await undo(run, doneAction(third), paperCall())
    t.equal(paper.members.length, 2)

    const half = new PaperCluster('v1.37.2')
    const joined = await readyToJoin(half)
    const both = (await joinControlPlanes.plan(joined)) as [Action, Action]
    await Promise.all(both.map((action) => joinControlPlanes.apply(joined, action, paperCall())))
    for (const member of half.members) if (member.name.startsWith('k8smaster2')) member.status = undefined
    half.asked.length = 0
    await undo(joined, doneAction(both[1]), paperCall())
    t.notOk(
      half.asked.some(({ method }) => method === 'retireApiServer'),
      'of three voters one is dead already',
    )
  },
)

t.test('a learner, and a member that does not answer, is no backend', async (t) => {
  for (const change of [{ learner: true }, { status: undefined }]) {
    const paper = new PaperCluster('v1.37.2')
    const run = await readyToJoin(paper)
    const [second] = (await joinControlPlanes.plan(run)) as [Action]
    await joinControlPlanes.apply(run, second, paperCall())
    Object.assign(paper.members[1] as object, change)
    await t.rejects(joinControlPlanes.verify(run, second, soon(), undefined))
  }
})

t.test('kube-proxy is put back by the operation that also rolls its pods', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  const action = await only(updateKubeProxy, run)
  const results: DoneAction['results'] = []
  await updateKubeProxy.apply(run, action, paperCall(results))
  paper.asked.length = 0
  const undo = updateKubeProxy.rollback as (
    run: ConversionRun,
    done: DoneAction,
    call: ReturnType<typeof paperCall>,
  ) => Promise<void>
  await undo(run, doneAction(action, results), paperCall())
  t.same(paper.methods('k8smaster1'), ['updateKubeProxy', 'restoreBackup'])
  t.match(paper.asked[0]?.request, { server: 'https://192.168.13.30:6443', expectedSha256: 'b' })
  t.match(paper.asked[1]?.request, { name: 'configmap/kube-system/kube-proxy' }, 'byte for byte, by the backup')
})

t.test('a pod of CoreDNS is moved only when there is another Node to go to', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  for (const node of paper.cluster.nodes) node.ready = node.name === 'k8smaster1.example.com'
  const call = paperCall()
  const applied = finish.apply(run, await only(finish, run), call)
  await until(
    'it to say what it waits for',
    async () => (call.lines.length > 0 ? holds(true) : notYet('silent')),
    patience(never),
  )
  t.match(call.lines[0], /waiting for another Node for CoreDNS: none is schedulable besides k8smaster1.example.com/)
  t.notOk(paper.asked.some(({ method }) => method === 'spreadCoreDns'))
  for (const node of paper.cluster.nodes) node.ready = true
  await applied
  t.ok(paper.asked.some(({ method }) => method === 'spreadCoreDns'))
})

t.test('while CoreDNS is rolled nobody knows where its new pods will be', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  const [old, other] = paper.cluster.pods.filter(({ app }) => app === 'kube-dns') as [PodFacts, PodFacts]
  Object.assign(other, { node: 'k8sworker1.example.com', revision: 'new' })
  await t.rejects(
    finish.verify(run, { id: '', node: run.first.name, does: '', diffs: [] }, soon(), undefined),
    'its gate waits',
  )
  t.match(await coredns.prove(run, never), { findings: [{ severity: 'error', message: /is rolling out/ }] })
  // The old one ends: what is left is on one node.
  old.ending = true
  Object.assign(paper.cluster.coreDns ?? {}, { replicas: 1 })
  run.refresh()
  t.match(await coredns.prove(run, never), { findings: [{ evidence: /1 pods, ready on k8sworker1/ }] })
})

t.test('an external load balancer is proved, never touched', async (t) => {
  const file = { ...clusterFile, loadBalancer: { ...clusterFile.loadBalancer, kind: 'external' as const } }
  const paper = new PaperCluster('v1.37.2', file)
  const run = paper.run()
  t.same(await startLoadBalancer.plan(run), [])
  t.match(
    await run.loadBalancer.check(),
    Array(5).fill({ id: 'load-balancer', severity: 'error' }),
    'nothing answers there: a finding from every node',
  )
  paper.world.probe = () => ({ reached: 'done', httpStatus: 200, certificateSha256: 'old-certificate' })
  t.same(await run.loadBalancer.check(), [])
  const call = paperCall()
  await run.loadBalancer.setBackends({ backends: run.controlPlanes, beside: [], joining: [] }, call)
  t.same(paper.asked, [])
  t.match(call.lines, [/k8smaster3.example.com \(192.168.13.32\)/])
})

t.test('the gate of learners is set before the joins, and put back after them', async (t) => {
  for (const gates of ['', 'featureGates:\n  EtcdLearnerMode: false\n']) {
    const paper = new PaperCluster('v1.30.4')
    if (gates === '') paper.cluster.kubernetesVersion = 'v1.28.15'
    paper.configMap('kubeadmConfig').text += gates
    const run = paper.run()
    const [set, restore] = [await only(useEtcdLearners, run), await only(restoreLearnerGate, run)]
    t.match(set.diffs[0]?.text, /^\+ {2}EtcdLearnerMode: true$/m)
    t.match(restore.diffs[0]?.text, /^- {2}EtcdLearnerMode: true$/m)

    const ready = await readyToJoin(paper)
    const before = paper.configMap('kubeadmConfig').text
    t.same(await only(useEtcdLearners, ready), set, 'as it was approved')
    await take(ready, useEtcdLearners)
    ready.refresh()
    t.same(await useEtcdLearners.plan(ready), [], 'it is set: a run that is resumed here does not set it again')
    t.same(await only(restoreLearnerGate, ready), restore, 'as it was approved')
    // The paper has what kubeadm leaves of this release.
    paper.cluster.kubernetesVersion = 'v1.30.4'
    await take(ready, joinControlPlanes)
    t.match(paper.configMap('kubeadmConfig').text, 'EtcdLearnerMode: true')
    t.same(await only(restoreLearnerGate, ready), restore)
    await take(ready, restoreLearnerGate)
    t.equal(paper.configMap('kubeadmConfig').text, before)
    ready.refresh()
    t.same([await useEtcdLearners.plan(ready), await restoreLearnerGate.plan(ready)], [[], []], 'nothing is left to do')
  }
})

t.test(
  'where kubeadm has the mode, or the operator set the gate, nothing is set and nothing is put back',
  async (t) => {
    const set = new PaperCluster('v1.30.4')
    set.cluster.kubernetesVersion = 'v1.28.15'
    set.configMap('kubeadmConfig').text += 'featureGates:\n  EtcdLearnerMode: true\n'
    for (const paper of [set, new PaperCluster('v1.30.4'), new PaperCluster('v1.37.2')])
      t.same([await useEtcdLearners.plan(paper.run()), await restoreLearnerGate.plan(paper.run())], [[], []])
  },
)

t.test('the undo of the gate puts back what was before it, and not what was before the run', async (t) => {
  const paper = new PaperCluster('v1.30.4')
  paper.cluster.kubernetesVersion = 'v1.28.15'
  const run = await readyToJoin(paper)
  const before = paper.configMap('kubeadmConfig').text
  const action = await only(useEtcdLearners, run)
  await useEtcdLearners.apply(run, action, paperCall())
  await t.rejects(async () => useEtcdLearners.undone?.(run, doneAction(action), never), { message: /is not restored/ })
  if (typeof useEtcdLearners.rollback === 'function')
    await useEtcdLearners.rollback(run, doneAction(action), paperCall())
  t.equal(paper.configMap('kubeadmConfig').text, before)
  t.match(await useEtcdLearners.undone?.(run, doneAction(action), never), [{ saw: 'EtcdLearnerMode: (not set)' }])
})

const finishing = { id: '', node: 'k8smaster1.example.com', does: '', diffs: [] }
const dns = (paper: PaperCluster) => paper.cluster.pods.filter(({ app }) => app === 'kube-dns')

t.test('CoreDNS is spread by where its pods are, ready or not at this moment', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  for (const pod of dns(paper)) pod.ready = false
  const applied = finish.apply(run, await only(finish, run), paperCall())
  await applied
  t.ok(
    paper.asked.some(({ method }) => method === 'spreadCoreDns'),
    'moved, although no pod was ready',
  )
  t.equal(new Set(dns(paper).map(({ node }) => node)).size, 2)
})

t.test('while a pod of CoreDNS has no node nothing is decided', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const run = paper.run()
  const [, second] = dns(paper) as [PodFacts, PodFacts]
  const { node } = second
  second.node = ''
  const call = paperCall()
  const applied = finish.apply(run, finishing, call)
  await until('it to wait', async () => (call.lines.length > 0 ? holds(true) : notYet('silent')), patience(never))
  t.match(call.lines[0], /waiting for the CoreDNS pods to be scheduled/)
  t.notOk(paper.asked.some(({ method }) => method === 'spreadCoreDns'))
  second.node = node
  await applied
  t.ok(paper.asked.some(({ method }) => method === 'spreadCoreDns'))
})

t.test('what the plan found broken and the operator accepted is told at the end, not waited for', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  const ready = await readyToJoin(paper)
  await finish.apply(ready, finishing, paperCall())
  paper.asked.length = 0
  const finding = {
    id: 'coredns',
    severity: 'error',
    message: 'CoreDNS is not ready',
    evidence: 'x',
    remedy: 'y',
  } as const
  const run = {
    ...ready,
    inProcess: new InProcess(),
    accepted: [{ ...finding, ignoredBecause: 'names are answered elsewhere' }],
  }
  for (const pod of dns(paper)) pod.ready = false
  await finish.apply(run, finishing, paperCall())
  t.notOk(
    paper.asked.some(({ method }) => method === 'spreadCoreDns'),
    'nor moved',
  )
  t.match(await finish.verify(run, finishing, never, undefined), [
    {},
    { what: 'SO BEFORE THE CONVERSION: coredns', saw: /accepted: names are answered elsewhere/ },
  ])
})

t.test('a kube-proxy whose DaemonSet leaves its pods to be deleted is replaced pod by pod', async (t) => {
  const paper = new PaperCluster('v1.37.2')
  Object.assign(paper.cluster.kubeProxyRollout ?? {}, { updateStrategy: 'OnDelete', updated: 0 })
  const run = await readyToJoin(paper)
  t.ok(run, 'its gate held')
})

t.test(
  'a component whose file is right already is restarted all the same: it may have been rewritten by an attempt that died',
  async (t) => {
    const paper = new PaperCluster('v1.30.4')
    const file = paper.node('k8smaster1').kubeconfigs.find(({ purpose }) => purpose === 'scheduler')
    if (file !== undefined) file.text = pointKubeconfigAt(file.text, 'https://192.168.13.99:6443', place)
    const run = paper.run()
    const action = await only(rewriteControlPlaneKubeconfigs, run)
    await rewriteControlPlaneKubeconfigs.apply(run, action, paperCall())
    paper.asked.length = 0
    run.refresh()
    await rewriteControlPlaneKubeconfigs.apply(run, action, paperCall())
    t.same(paper.methods('k8smaster1'), ['restartStaticPod'])
  },
)
