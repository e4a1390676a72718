import { conversionOrder } from '@quorate/coordinator/conversion/order'
import t from 'tap'
import { answers } from '../../lab/simulated/probing.js'
import { asBefore } from '../support/as-before.js'
import { convertUnderProbes, members, nothingFailed, serverIn } from '../support/conversion-assertions.js'
import {
  apiObjects,
  clusterForTest,
  controllersRest,
  ended,
  everything,
  runOf,
  stepsOf,
} from '../support/simulated-cluster.js'

const endpoint = 'https://apiserver.example.com:8443'

t.test(
  'Kubernetes v1.30.4, kubeadm config v1beta3, the name in /etc/hosts: one control plane becomes three',
  async (t) => {
    const cluster = await clusterForTest(
      t,
      { kubernetesVersion: 'v1.30.4', workers: 1, dns: false },
      { policy: ['  manageHosts: true'] },
    )

    nothingFailed(t, await convertUnderProbes(cluster))

    t.same(
      stepsOf(cluster),
      conversionOrder.map(({ id }) => id),
    )
    t.equal((await members(cluster)).length, 3)
    for (const node of ['cp1', 'cp2', 'cp3']) {
      t.equal(
        serverIn(cluster, node, '/etc/kubernetes/kubelet.conf'),
        endpoint,
        'before 1.31 the kubelets of control planes go to the endpoint',
      )
      t.equal(serverIn(cluster, node, '/etc/kubernetes/scheduler.conf'), `https://${cluster.node(node).address}:6443`)
    }
    const verified = await cluster.quorate(['verify', '-f', cluster.clusterFile])
    ended(t, verified)

    await t.test('the API answers through the endpoint after the first control plane lost its power', async (t) => {
      await cluster.kill('cp1')
      const deadline = Date.now() + 15_000
      while (!(await answers(cluster.world.virtualIp, 8443)) && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 50))
      t.ok(await answers(cluster.world.virtualIp, 8443), 'readyz 200')
      t.not(await cluster.control.ask('virtualIpHolder'), 'k8smaster1.example.com')
      const write = {
        node: 'k8smaster2.example.com',
        method: 'POST',
        path: '/api/v1/namespaces/default/configmaps',
        body: { metadata: { name: 'after' } },
      }
      const wrote = await cluster.control.ask<{ status: number }>('kube', write)
      t.equal(wrote.status, 201, 'two of three voters take writes')
    })
  },
)

t.test('Kubernetes v1.28.15, by default settings: no failed request, and undone byte for byte', async (t) => {
  const cluster = await clusterForTest(t, { kubernetesVersion: 'v1.28.15', workers: 1 })
  await controllersRest(cluster)
  const before = await everything(cluster)
  const config = async () => JSON.stringify((await apiObjects(cluster))['/configmaps/kube-system/kubeadm-config'])
  const plan = await cluster.quorate(['plan', '-f', cluster.clusterFile])
  ended(t, plan)
  t.match(plan.stdout, '+  EtcdLearnerMode: true')
  t.match(plan.stdout, '-  EtcdLearnerMode: true')

  nothingFailed(t, await convertUnderProbes(cluster))

  const { etcd: changes } = await cluster.control.ask<{ etcd: { what: string }[] }>('executions')
  t.same(
    changes.map(({ what }) => what),
    ['add', 'promote', 'add', 'promote'],
    'each member learned first',
  )
  t.notMatch(await config(), 'EtcdLearnerMode', 'the gate is put back after the joins')
  ended(t, await cluster.quorate(['verify', '-f', cluster.clusterFile]))
  ended(t, await cluster.quorate(['rollback', runOf(cluster), '--yes']))
  await asBefore(t, cluster, before)
})

t.test('Kubernetes v1.28.15, joined as it is configured: the outage is asked for by its length', async (t) => {
  const wish = { policy: ['  etcdLearners: as-configured', '  availabilityBudgetSeconds: 5'] }
  const cluster = await clusterForTest(t, { kubernetesVersion: 'v1.28.15', workers: 1 }, wish)
  const refused = await cluster.quorate(['plan', '-f', cluster.clusterFile])
  ended(t, refused, 3)
  t.match(refused.stdout, /planned-outage.*\n?.*does not answer for up to 30 s/)
  t.match(refused.stdout, 'acceptOutageSeconds: 30')
  await cluster.setFaults('cp2', { etcdStartsAfterMs: 9_000 })
  cluster.writeClusterFile({ policy: [...wish.policy, '  acceptOutageSeconds: 30'] })

  const { run, probes } = await convertUnderProbes(cluster)

  ended(t, run)
  const outages = probes.flatMap(({ errors }) => Object.keys(errors))
  t.not(outages.length, 0, 'without a learner etcd has no quorum while its second member starts, as on real nodes')
  t.equal((await members(cluster)).filter(({ learner }) => !learner).length, 3)
})
