import { converts } from '../assertions.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

export const textbook: Scenario = {
  id: 'textbook',
  title: 'made by `kubeadm init` as its documentation shows',
  group: 'control plane',
  outcome: 'converted',
  note: 'Stacked etcd, kube-proxy, no controlPlaneEndpoint.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) => converts(t, { site: { kubernetesVersion } }),
  },
  real: {
    versions: ['v1.37.2', 'v1.36.2', 'v1.34.4', 'v1.33.5', 'v1.30.4', 'v1.29.15', 'v1.28.15'],
    try: (t, version) => convertsReal(t, version, { undone: true }),
  },
}
