import { parseVersion } from '@quorate/shared/kubernetes-version'
import { holds, type VersionRuleName } from '@quorate/shared/version-rules'

/** Where a kubeconfig of a control plane points: its own API server, or the load balancer. */
export type Target = 'local' | 'load-balancer'

/** The decision for one cluster, and why, as the plan prints it. */
export interface EndpointPolicy {
  readonly kubelet: Target
  readonly controllerManager: Target
  readonly scheduler: Target
  readonly reason: string
}

interface Row {
  /** Decides where it holds; the first that does. */
  readonly rule: VersionRuleName
  readonly because: string
}

/** Why the kubelet of a control plane stays on its own API server. */
const kubeletStays: readonly Row[] = [
  {
    rule: 'kubelet-local-mode-locked',
    because: 'kubeadm always joins control planes this way, and `kubeadm upgrade` would revert any other setting',
  },
  {
    rule: 'kubelet-local-mode',
    because: 'kubeadm joins control planes this way by default, and `kubeadm upgrade` would revert any other setting',
  },
  {
    rule: 'kubelet-needs-local',
    because:
      'it fails with an API server older than itself, which the load balancer may select during a cluster upgrade',
  },
]

const kubeletGoes = 'kubeadm of that release joins control planes this way'
const componentsStay =
  'they must not be newer than their API server, which a load balancer cannot guarantee during an upgrade'

/**
 * Which server each kubeconfig of a control plane names. `version` is the cluster's (`v1.37.2`), `wish` is policy.controlPlaneKubeconfigs
 * of the cluster file: `local` and `load-balancer` decide for all three.
 */
export function decideEndpointPolicy(version: string, wish: 'auto' | Target): EndpointPolicy {
  if (wish !== 'auto') {
    const where = wish === 'local' ? 'stay on their own API server' : 'use the load balancer'
    const reason = `The control planes' kubelet, controller-manager and scheduler ${where}, because the cluster file sets policy.controlPlaneKubeconfigs: ${wish}`
    return { kubelet: wish, controllerManager: wish, scheduler: wish, reason }
  }
  const { major, minor } = parseVersion(version)
  const stays = kubeletStays.find(({ rule }) => holds(rule, version))
  const kubelet =
    stays === undefined
      ? `uses the load balancer, because ${kubeletGoes}`
      : `stays on its own API server, because ${stays.because}`
  // Every known release, and many before them.
  const components: Target = holds('components-local', version) ? 'local' : 'load-balancer'
  const others =
    components === 'local'
      ? `stay on the API server of their node, because ${componentsStay}`
      : 'use the load balancer as well'
  return {
    kubelet: stays === undefined ? 'load-balancer' : 'local',
    controllerManager: components,
    scheduler: components,
    reason: `${major}.${minor}: the control plane's kubelet ${kubelet}; controller-manager and scheduler ${others}`,
  }
}
