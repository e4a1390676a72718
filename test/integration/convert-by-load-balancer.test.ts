import t from 'tap'
import { members, serverIn } from '../support/conversion-assertions.js'
import { clusterForTest, ended } from '../support/simulated-cluster.js'

const endpoint = 'https://apiserver.example.com:8443'

t.test(
  'policy load-balancer: every kubeconfig of the first control plane goes to the endpoint, its components run anew',
  async (t) => {
    const cluster = await clusterForTest(t, { workers: 1 }, { policy: ['  controlPlaneKubeconfigs: load-balancer'] })
    const containers = (): Promise<{ id: string; name: string; running: boolean }[]> =>
      cluster.control.ask('containers', { node: cluster.node('cp1').name })
    const idOf = async (name: string): Promise<string | undefined> =>
      (await containers()).find((c) => c.name === name && c.running)?.id
    const before = {
      manager: await idOf('kube-controller-manager'),
      scheduler: await idOf('kube-scheduler'),
      api: await idOf('kube-apiserver'),
    }
    const run = await cluster.quorate(['convert', '-f', cluster.clusterFile, '--yes'])
    ended(t, run)
    for (const file of ['kubelet', 'controller-manager', 'scheduler', 'admin', 'super-admin']) {
      t.equal(serverIn(cluster, 'cp1', `/etc/kubernetes/${file}.conf`), endpoint, file)
    }
    t.not(await idOf('kube-controller-manager'), before.manager, 'read its kubeconfig anew: another container')
    t.not(await idOf('kube-scheduler'), before.scheduler)
    t.equal(await idOf('kube-apiserver'), before.api, 'the API server was never restarted')
    t.equal((await members(cluster)).length, 3)
  },
)
