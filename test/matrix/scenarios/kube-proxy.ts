import type { PieceName } from '../../../lab/real/pieces/all.js'
import type { WorldOptions } from '../../../lab/simulated/world-options.js'
import { converts } from '../assertions.js'
import { convertsReal } from '../real-assertions.js'
import type { Scenario } from '../scenario.js'

const proxied = (
  mode: NonNullable<WorldOptions['kubeProxy']>,
  title: string,
  note: string,
  onRealNodes?: readonly PieceName[],
): Scenario => ({
  id: `kube-proxy-${mode}`,
  title,
  group: 'network',
  outcome: 'converted',
  note,
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) => converts(t, { site: { kubernetesVersion, kubeProxy: mode }, undone: true }),
  },
  ...(onRealNodes === undefined
    ? {}
    : {
        real: {
          versions: ['v1.37.2'],
          try: (t, version) => convertsReal(t, version, { with: onRealNodes, undone: true }),
        },
      }),
})

export const kubeProxyModes: readonly Scenario[] = [
  proxied(
    'ipvs',
    'kube-proxy in mode ipvs',
    'Its mode is its own matter: only its kubeconfig is changed, its pods are rolled.',
  ),
  proxied('nftables', 'kube-proxy in mode nftables', 'As with iptables.', ['nftables']),
  proxied(
    'absent',
    'no kube-proxy (`--skip-phases=addon/kube-proxy`)',
    'Its step has nothing to do; where the plugin that replaces it has an address of its own, that is found.',
  ),
  proxied(
    'disabled',
    'kube-proxy on no node, by its nodeSelector',
    'Its ConfigMap is changed all the same, for the day on which it runs again.',
  ),
]
