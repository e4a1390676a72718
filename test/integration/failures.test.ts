import { readClusterFile } from '@quorate/coordinator/config/read-cluster-file'
import { conversionOrder } from '@quorate/coordinator/conversion/order'
import type { ConversionStep } from '@quorate/coordinator/conversion/run'
import { planConversion, startConversion } from '@quorate/coordinator/conversion/session'
import { openSession } from '@quorate/coordinator/open-session'
import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { members, serverIn } from '../support/conversion-assertions.js'
import { clusterForTest, ended, hashFiles, journalOf } from '../support/simulated-cluster.js'

const endpoint = 'https://apiserver.example.com:8443'

/** Runs an order of the test's own on the cluster, as `quorate convert` would run the real one. */
async function runOrder(cluster: SimulatedCluster, order: readonly ConversionStep[]) {
  const { file, text } = await readClusterFile(cluster.clusterFile)
  const session = { ...(await openSession(cluster.stateFolder)), order }
  const approved = await planConversion(session, file)
  const { ended: end } = await startConversion(session, { file, fileText: text, approved })
  return end
}

const upTo = (id: string): ConversionStep[] =>
  conversionOrder.slice(0, conversionOrder.findIndex((step) => step.id === id) + 1)

t.test('a gate that fails undoes its own node and no other; what was done before stays', async (t) => {
  const cluster = await clusterForTest(t, { workers: 2 })
  const [old, before] = [serverIn(cluster, 'w2', '/etc/kubernetes/kubelet.conf'), hashFiles(cluster)]
  // The real gate on a kubelet that cannot renew its lease, with less patience.
  const order = upTo('rewrite-worker-kubeconfigs').map((step): ConversionStep => {
    if (step.id !== 'rewrite-worker-kubeconfigs') return step
    return {
      ...step,
      verify: (run, action, signal) =>
        step.verify(
          run,
          action,
          action.node === 'k8sworker2.example.com' ? AbortSignal.any([signal, AbortSignal.timeout(3000)]) : signal,
        ),
    }
  })
  await cluster.setFaults('w2', { kubeletCannotRenew: true })
  const { outcome, error } = await runOrder(cluster, order)
  t.equal(outcome, 'failed')
  t.equal(error?.where, 'k8sworker2.example.com')
  t.equal(serverIn(cluster, 'w2', '/etc/kubernetes/kubelet.conf'), old)
  const path = 'k8sworker2.example.com:/etc/kubernetes/kubelet.conf'
  t.equal(hashFiles(cluster)[path], before[path], 'byte for byte, mode too')
  t.equal(serverIn(cluster, 'w1', '/etc/kubernetes/kubelet.conf'), endpoint, 'the canary that was verified stays')
  const undone = journalOf(cluster)
    .filter(({ kind }) => kind === 'action-undone')
    .map(({ step, node }) => ({ step, node }))
  t.same(undone, [{ step: 'rewrite-worker-kubeconfigs', node: 'k8sworker2.example.com' }])
})

t.test('a wrong order is refused by kubeadm itself: joins before controlPlaneEndpoint is set', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  const before = hashFiles(cluster)
  const { outcome, error } = await runOrder(
    cluster,
    conversionOrder.filter(({ id }) => id !== 'update-kubeadm-config'),
  )
  t.equal(outcome, 'failed')
  t.match(error?.message, /stable controlPlaneEndpoint/)
  t.equal((await members(cluster)).length, 1, 'etcd is as it was')
  const files = Object.entries(hashFiles(cluster)).filter(([path]) =>
    /^k8smaster[23].*:\/(etc\/kubernetes|var\/lib\/(etcd|kubelet))/.test(path),
  )
  t.same(
    files,
    Object.entries(before).filter(([path]) =>
      /^k8smaster[23].*:\/(etc\/kubernetes|var\/lib\/(etcd|kubelet))/.test(path),
    ),
    'the joiners are as they were',
  )
})

t.test('a join that fails is taken back, and the cluster works with the one that joined', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 })
  await cluster.setFaults('cp3', { failJoinPhase: 'etcd-join' })
  const run = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, run, 4)
  t.same((await members(cluster)).map(({ name }) => name).sort(), ['k8smaster1.example.com', 'k8smaster2.example.com'])
  const left = Object.keys(hashFiles(cluster)).filter((path) =>
    /^k8smaster3.*:\/etc\/kubernetes\/(pki|manifests|.*\.conf)/.test(path),
  )
  t.same(left, [], 'the joiner is clean again')

  await cluster.setFaults('cp3', { failJoinPhase: '' })
  const again = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
  ended(t, again)
  t.equal((await members(cluster)).length, 3)
})
