import { stringify } from 'yaml'
import type { LabNode } from './machines/node.js'

interface JoinCommand {
  readonly argv: readonly string[]
  /** Files that the joining node needs. */
  readonly files: Readonly<Record<string, string>>
}

/** The command that joins a worker to the cluster of this control plane: with a token and the CA's pin, or with a file if cluster-info is not public. */
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
