import { conversionOrder } from '@quorate/coordinator/conversion/order'
import t from 'tap'
import { answers } from '../../lab/simulated/probing.js'
import { convertUnderProbes, members, nothingFailed, serverIn } from '../support/conversion-assertions.js'
import { clusterForTest, ended, stepsOf } from '../support/simulated-cluster.js'

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
