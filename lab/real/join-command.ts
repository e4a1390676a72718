import { stringify } from 'yaml'
import type { LabNode } from './node.js'

interface JoinCommand {
  readonly argv: readonly string[]
  /** What must lie on the joining node. */
  readonly files: Readonly<Record<string, string>>
}

/** What joins a worker to the cluster of this control plane: by a token and the CA's pin, or by a file where cluster-info is not for everybody. */
export async function joinCommand(first: LabNode, apiPort: number, byFile: boolean): Promise<JoinCommand> {
  if (!byFile) {
    const printed = await first.must(['kubeadm', 'token', 'create', '--print-join-command'])
    return { argv: printed.trim().split(/\s+/), files: {} }
  }
  const token = (await first.must(['kubeadm', 'token', 'create'])).trim()
  const ca = await first.must(['cat', '/etc/kubernetes/pki/ca.crt'])
  const discovery = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'join',
    clusters: [
      {
        name: 'kubernetes',
        cluster: {
          server: `https://${first.address}:${apiPort}`,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'join', user: { token } }],
    contexts: [{ name: 'join', context: { cluster: 'kubernetes', user: 'join' } }],
  })
  const file = '/root/discovery.yaml'
  return {
    argv: ['kubeadm', 'join', '--discovery-file', file, '--tls-bootstrap-token', token],
    files: { [file]: discovery },
  }
}
