import t from 'tap'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { members, serverIn } from '../support/conversion-assertions.js'
import { clusterForTest, ended, hashFiles } from '../support/simulated-cluster.js'

const endpoint = 'https://apiserver.example.com:8443'

/** Id of a component's container on the first control plane. */
async function containerOf(cluster: SimulatedCluster, component: string): Promise<string | undefined> {
  const node = cluster.node('cp1').name
  const all = await cluster.control.ask<{ id: string; name: string; running: boolean }[]>('containers', { node })
  return all.find(({ name, running }) => name === component && running)?.id
}

t.test('policy load-balancer, and a join that fails the first time', async (t) => {
  const cluster = await clusterForTest(t, { workers: 1 }, { policy: ['  controlPlaneKubeconfigs: load-balancer'] })
  const components = ['kube-controller-manager', 'kube-scheduler', 'kube-apiserver']
  const before = await Promise.all(components.map((name) => containerOf(cluster, name)))

  await t.test('the join that fails is taken back', async (t) => {
    await cluster.setFaults('cp3', { failJoinPhase: 'etcd-join' })
    ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']), 4)
    const names = (await members(cluster)).map(({ name }) => name)
    t.ok(names.includes('k8smaster1.example.com'))
    t.notOk(names.includes('k8smaster3.example.com'))
    const left = Object.keys(hashFiles(cluster)).filter((path) =>
      /^k8smaster3.*:\/etc\/kubernetes\/(pki|manifests|.*\.conf)/.test(path),
    )
    t.same(left, [], 'the joiner is clean again')
  })

  await t.test('the same command again goes on and ends well', async (t) => {
    await cluster.setFaults('cp3', { failJoinPhase: '' })
    ended(t, await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes']))
    t.equal((await members(cluster)).length, 3)
  })

  await t.test(
    'every kubeconfig of the first control plane goes to the endpoint, and its components run anew',
    async (t) => {
      for (const file of ['kubelet', 'controller-manager', 'scheduler', 'admin', 'super-admin']) {
        t.equal(serverIn(cluster, 'cp1', `/etc/kubernetes/${file}.conf`), endpoint, file)
      }
      const after = await Promise.all(components.map((name) => containerOf(cluster, name)))
      t.not(after[0], before[0], 'controller-manager read its kubeconfig anew: another container')
      t.not(after[1], before[1], 'so did the scheduler')
      t.equal(after[2], before[2], 'the API server was never restarted')
    },
  )
})
