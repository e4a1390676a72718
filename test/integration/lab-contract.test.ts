import { readFileSync } from 'node:fs'
import { credentials } from '@grpc/grpc-js'
import { MaintenanceClient } from '@quorate/shared/gen/third_party/etcd/rpc'
import t from 'tap'
import { SimulatedCluster } from '../../lab/simulated/cluster.js'
import { clusterContract, type LabCluster } from '../support/cluster-contract.js'

/** The simulated laboratory behind the interface that a real one has too. */
function simulatedLab(cluster: SimulatedCluster, configApi: LabCluster['configApi']): LabCluster {
  const read = async (node: { name: string }, path: string): Promise<string | undefined> => {
    try {
      return readFileSync(cluster.node(node.name).root + path, 'utf8')
    } catch {
      return undefined
    }
  }
  const [first, joiner, worker] = [cluster.node('cp1'), cluster.node('cp2'), cluster.node('w1')]
  return {
    kubernetesVersion: cluster.world.kubernetesVersion,
    configApi,
    first,
    joiner,
    worker,
    sh: (node, argv) => cluster.sh(node.name, argv),
    readFile: read,
    writeFile: (node, path, text) => cluster.control.ask('writeFile', { node: node.name, path, text }),
    kube: (method, path, body, contentType) => cluster.control.ask('kube', { method, path, body, contentType }),
    containers: (node) => cluster.control.ask('containers', { node: node.name }),
    stopContainer: (node, id) => cluster.control.ask('stopContainer', { node: node.name, id }),
    async snapshot() {
      const pki = `${first.root}/etc/kubernetes/pki/etcd`
      const [ca, key, cert] = ['ca.crt', 'healthcheck-client.key', 'healthcheck-client.crt'].map((name) =>
        readFileSync(`${pki}/${name}`),
      )
      const client = new MaintenanceClient(`${first.address}:2379`, credentials.createSsl(ca, key, cert), {
        'grpc.ssl_target_name_override': 'localhost',
      })
      const chunks: Buffer[] = []
      for await (const { blob } of client.snapshot({})) chunks.push(blob as Buffer)
      client.close()
      return Buffer.concat(chunks)
    },
    addEtcdLearner: (peerUrl) =>
      cluster.control.ask('addEtcdMember', { peerUrl }).then(
        () => '',
        (error: Error) => error.message,
      ),
    removeEtcdLearners: () => cluster.control.ask('removeEtcdLearners'),
  }
}

for (const [kubernetesVersion, configApi] of [
  ['v1.37.2', 'v1beta4'],
  ['v1.30.4', 'v1beta3'],
] as const) {
  t.test(`the simulated cluster of ${kubernetesVersion} does what a real one does`, async (t) => {
    const cluster = await SimulatedCluster.start({ kubernetesVersion, controlPlanes: 2, workers: 1 })
    t.teardown(() => cluster.stop())
    const lab = simulatedLab(cluster, configApi)
    for (const [title, assert] of clusterContract) await t.test(title, (t) => assert(t, lab))
  })
}
