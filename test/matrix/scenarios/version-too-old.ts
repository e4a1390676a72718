import { refuses } from '../assertions.js'
import type { Scenario } from '../scenario.js'

export const versionTooOld: Scenario = {
  id: 'version-too-old',
  title: 'Kubernetes before 1.28',
  group: 'version',
  outcome: 'refused',
  note: 'What its kubeadm checks, writes and lets vote is not known here, and it has no way to be asked.',
  simulated: {
    versions: ['v1.27.16'],
    try: (t, kubernetesVersion) => refuses(t, 'kubernetes-release', { site: { kubernetesVersion } }),
  },
}
