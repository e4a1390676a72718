import { readFileSync } from 'node:fs'
import { credentials } from '@grpc/grpc-js'
import { MaintenanceClient } from '@quorate/shared/gen/third_party/etcd/rpc'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'
import type { LabCluster } from '../contract/cluster-contract.js'

/** The simulated laboratory behind the interface that a real one has too. */
export function simulatedLab(cluster: SimulatedCluster, configApi: LabCluster['configApi']): LabCluster {
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
    snapshot: () => snapshotAs(first),
    addEtcdLearner: (peerUrl) =>
      cluster.control.ask('addEtcdMember', { peerUrl }).then(
        () => '',
        (error: Error) => error.message,
      ),
    removeEtcdLearners: () => cluster.control.ask('removeEtcdLearners'),
  }
}

/** As the API server of a node would take it: where its manifest says, with the files that it names. */
async function snapshotAs({ root, address }: { root: string; address: string }): Promise<Buffer> {
  const text = readFileSync(`${root}/etc/kubernetes/manifests/kube-apiserver.yaml`, 'utf8')
  const flag = (name: string): string => new RegExp(`--etcd-${name}=([^\\s,]+)`).exec(text)?.[1] ?? ''
  const [ca, key, cert] = ['cafile', 'keyfile', 'certfile'].map((name) => readFileSync(root + flag(name))) as [
    Buffer,
    Buffer,
    Buffer,
  ]
  // Every simulated node has its own loopback address: its own address here.
  const { host } = new URL(flag('servers').replace('127.0.0.1', address))
  const client = new MaintenanceClient(
    host,
    credentials.createSsl(ca, key, cert, { checkServerIdentity: () => undefined }),
    {
      'grpc.ssl_target_name_override': 'localhost',
    },
  )
  const chunks: Buffer[] = []
  for await (const { blob } of client.snapshot({})) chunks.push(blob as Buffer)
  client.close()
  return Buffer.concat(chunks)
}
