import { randomBytes } from 'node:crypto'
import type { SimulatedCluster } from '../../lab/simulated/cluster.js'

interface Joining {
  readonly asControlPlane?: boolean
}

/**
 * What a person types to join a simulated machine by kubeadm's documentation: the line that `kubeadm token create` prints on the first control
 * plane, as a configuration; for a control plane after `kubeadm init phase upload-certs`. Rejects with what kubeadm said.
 */
export async function joinByHand(
  cluster: SimulatedCluster,
  name: string,
  { asControlPlane = false }: Joining = {},
): Promise<void> {
  const certificateKey = asControlPlane ? await uploadCertificates(cluster) : undefined
  const printed = await typed(cluster, 'cp1', ['kubeadm', 'token', 'create', '--print-join-command'])
  const [, apiServerEndpoint, token, pin] =
    /join (\S+) --token (\S+) --discovery-token-ca-cert-hash (\S+)/.exec(printed) ?? []
  const node = cluster.node(name)
  const localAPIEndpoint = { advertiseAddress: node.address, bindPort: 6443 }
  await write(cluster, name, [
    {
      kind: 'JoinConfiguration',
      discovery: { bootstrapToken: { apiServerEndpoint, token, caCertHashes: [pin] } },
      nodeRegistration: { name: node.name, criSocket: 'unix:///run/containerd/containerd.sock' },
      ...(asControlPlane ? { controlPlane: { localAPIEndpoint, certificateKey } } : {}),
    },
  ])
  await typed(cluster, name, ['kubeadm', 'join', '--config', file])
}

const file = '/root/kubeadm.yaml'

/** Under a key of its own, which it answers. */
async function uploadCertificates(cluster: SimulatedCluster): Promise<string> {
  const certificateKey = randomBytes(32).toString('hex')
  const localAPIEndpoint = { advertiseAddress: cluster.node('cp1').address }
  await write(cluster, 'cp1', [
    { kind: 'InitConfiguration', certificateKey, localAPIEndpoint },
    { kind: 'ClusterConfiguration' },
  ])
  await typed(cluster, 'cp1', ['kubeadm', 'init', 'phase', 'upload-certs', '--upload-certs', '--config', file])
  return certificateKey
}

function write(cluster: SimulatedCluster, name: string, documents: readonly object[]): Promise<void> {
  const version = /^v1\.30\./.test(cluster.world.kubernetesVersion) ? 'v1beta3' : 'v1beta4'
  const apiVersion = `kubeadm.k8s.io/${version}`
  const text = documents.map((one) => JSON.stringify({ apiVersion, ...one })).join('\n---\n')
  return cluster.control.ask('writeFile', { node: cluster.node(name).name, path: file, text })
}

async function typed(cluster: SimulatedCluster, name: string, argv: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await cluster.sh(name, argv)
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`)
  return stdout
}
