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
    because:
      'kubeadm joins control planes so, knows no other way, and its upgrade points a kubelet that goes through the load balancer back there',
  },
  {
    rule: 'kubelet-local-mode',
    because:
      'kubeadm joins control planes so by default, and its upgrade points a kubelet that goes through the load balancer back there',
  },
  {
    rule: 'kubelet-needs-local',
    because:
      'it breaks on an API server that is older than itself, as the load balancer may give it while the cluster is upgraded',
  },
]

const kubeletGoes = 'kubeadm of that release joins control planes so'
const componentsStay =
  'they must not be newer than the API server that they talk to, which a load balancer cannot promise during an upgrade'

/**
 * Which kubeconfig of a control plane goes where. `version` is the cluster's (`v1.37.2`), `wish` is policy.controlPlaneKubeconfigs
 * of the cluster file: `local` and `load-balancer` decide for all three.
 */
export function decideEndpointPolicy(version: string, wish: 'auto' | Target): EndpointPolicy {
  if (wish !== 'auto') {
    const where = wish === 'local' ? 'stay on their own API server' : 'go through the load balancer'
    const reason = `The control planes' kubelet, controller-manager and scheduler ${where}, because the cluster file says so (policy.controlPlaneKubeconfigs: ${wish})`
    return { kubelet: wish, controllerManager: wish, scheduler: wish, reason }
  }
  const { major, minor } = parseVersion(version)
  const stays = kubeletStays.find(({ rule }) => holds(rule, version))
  const kubelet =
    stays === undefined
      ? `goes through the load balancer, because ${kubeletGoes}`
      : `stays on its own API server, because ${stays.because}`
  // Every release that is known, and many before them.
  const components: Target = holds('components-local', version) ? 'local' : 'load-balancer'
  const others =
    components === 'local'
      ? `stay on the API server of their node, because ${componentsStay}`
      : 'go through the load balancer as well'
  return {
    kubelet: stays === undefined ? 'load-balancer' : 'local',
    controllerManager: components,
    scheduler: components,
    reason: `${major}.${minor}: the control plane's kubelet ${kubelet}; controller-manager and scheduler ${others}`,
  }
}
