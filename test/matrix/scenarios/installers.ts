import type { PieceName } from '../../../lab/real/pieces/all.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

const shapes: readonly (readonly [id: PieceName, title: string, note: string])[] = [
  [
    'kubespray',
    "kubespray's shape: certificates in /etc/kubernetes/ssl, etcd a service of the first control plane, nginx on the workers' loopback",
    'The folder of the certificates is found and used on every node; etcd stays where it is.',
  ],
  [
    'kubekey',
    "KubeKey's shape: etcd a service of the first control plane, `lb.kubesphere.local` in every /etc/hosts",
    'The endpoint is replaced by that of the file, and its name stays in every certificate; etcd stays where it is.',
  ],
]

export const installers: readonly Scenario[] = shapes.map(([id, title, note]) => ({
  id,
  title,
  group: 'control plane',
  outcome: 'converted',
  note,
  real: {
    versions: ['v1.33.5', 'v1.28.15'],
    try: (t, version) => convertsReal(t, version, { with: [id], stacked: false, verified: 7, undone: true }),
  },
}))
