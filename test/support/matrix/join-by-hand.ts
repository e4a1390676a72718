import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const group = 'system:bootstrappers:kubeadm:default-node-token'

/** What a person types to join a control plane: certificates uploaded, a token made, `kubeadm join --config` on the node. */
export async function joinByHand(cluster: SimulatedCluster, name: string, endpoint: string): Promise<void> {
  const node = cluster.node(name)
  const first = cluster.node('cp1')
  const certificateKey = randomBytes(32).toString('hex')
  await write(cluster, 'cp1', [
    { kind: 'InitConfiguration', certificateKey, localAPIEndpoint: { advertiseAddress: first.address } },
    { kind: 'ClusterConfiguration' },
  ])
  await typed(cluster, 'cp1', ['kubeadm', 'init', 'phase', 'upload-certs', '--upload-certs', '--config', file])
  const ca = new X509Certificate(readFileSync(`${first.root}/etc/kubernetes/pki/ca.crt`))
  const pin = createHash('sha256')
    .update(ca.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
  await write(cluster, name, [
    {
      kind: 'JoinConfiguration',
      discovery: {
        bootstrapToken: {
          apiServerEndpoint: endpoint,
          token: await makeToken(cluster),
          caCertHashes: [`sha256:${pin}`],
        },
      },
      nodeRegistration: { name: node.name },
      controlPlane: { localAPIEndpoint: { advertiseAddress: node.address, bindPort: 6443 }, certificateKey },
    },
  ])
  await typed(cluster, name, ['kubeadm', 'join', '--config', file])
}

const file = '/root/kubeadm.yaml'

function write(cluster: SimulatedCluster, name: string, documents: readonly object[]): Promise<void> {
  const text = documents.map((one) => JSON.stringify({ apiVersion: 'kubeadm.k8s.io/v1beta4', ...one })).join('\n---\n')
  return cluster.control.ask('writeFile', { node: cluster.node(name).name, path: file, text })
}

async function typed(cluster: SimulatedCluster, name: string, argv: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await cluster.sh(name, argv)
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`)
}

async function makeToken({ control }: SimulatedCluster): Promise<string> {
  const [id, secret] = [randomBytes(3).toString('hex'), randomBytes(8).toString('hex')]
  const data = {
    'auth-extra-groups': base64(group),
    expiration: base64(new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z')),
    'token-id': base64(id),
    'token-secret': base64(secret),
    'usage-bootstrap-authentication': base64('true'),
    'usage-bootstrap-signing': base64('true'),
  }
  const path = '/api/v1/namespaces/kube-system/secrets'
  const body = { metadata: { name: `bootstrap-token-${id}` }, type: 'bootstrap.kubernetes.io/token', data }
  const { status } = await control.ask<{ status: number }>('kube', { method: 'POST', path, body })
  if (status !== 201) throw new Error(`no token was made: HTTP ${status}`)
  return `${id}.${secret}`
}
