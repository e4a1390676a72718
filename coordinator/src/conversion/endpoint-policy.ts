import { atLeast } from '@quorate/shared/kubernetes-version'

/** Where a kubeconfig of a control plane points: its own API server, or the load balancer. */
export type Target = 'local' | 'load-balancer'

/** The decision for one cluster, and why, as the plan prints it. */
export interface EndpointPolicy {
  readonly kubelet: Target
  readonly controllerManager: Target
  readonly scheduler: Target
  readonly reason: string
}

type Component = 'kubelet' | 'controllerManager' | 'scheduler'

interface PolicyRow {
  readonly component: Component
  /** Kubernetes release from which the row holds; the last row that holds decides. */
  readonly from: string
  readonly target: Target
  readonly reason: string
  readonly source: string
}

/** What a control plane of each release should look like: what kubeadm itself writes, and where it is known to hurt, what it writes later. */
export const endpointPolicyTable: readonly PolicyRow[] = [
  {
    component: 'controllerManager',
    from: '1.20',
    target: 'local',
    reason:
      'it must not be newer than the API server that it talks to, which a load balancer cannot promise during an upgrade',
    source: 'kubernetes/kubernetes#94398, kubernetes/kubeadm#2271',
  },
  {
    component: 'scheduler',
    from: '1.20',
    target: 'local',
    reason:
      'it must not be newer than the API server that it talks to, which a load balancer cannot promise during an upgrade',
    source: 'kubernetes/kubernetes#94398, kubernetes/kubeadm#2271',
  },
  {
    component: 'kubelet',
    from: '1.20',
    target: 'load-balancer',
    reason: 'kubeadm up to 1.30 joins a control plane with its kubelet behind the control plane endpoint',
    source: 'kubernetes/kubernetes cmd/kubeadm/app/cmd/phases/join/kubelet.go',
  },
  {
    component: 'kubelet',
    from: '1.31',
    target: 'local',
    reason:
      'a kubelet of 1.31 breaks on an older API server behind the load balancer, and from 1.33 kubeadm upgrade points it at its own one',
    source: 'kube-vip/kube-vip#949, kubernetes/kubernetes#127316, kubernetes/kubernetes#125582 (KEP-4471)',
  },
]

function rowFor(component: Component, version: string): PolicyRow {
  const row = endpointPolicyTable.findLast((one) => one.component === component && atLeast(version, one.from))
  // Older than the table: what its first row says is what kubeadm of that time would be upgraded to.
  return row ?? (endpointPolicyTable.find((one) => one.component === component) as PolicyRow)
}

/**
 * Which kubeconfig of a control plane goes where. `version` is the cluster's (`v1.37.2`), `wish` is policy.controlPlaneKubeconfigs
 * of the cluster file: `local` and `load-balancer` decide for all three.
 */
export function decideEndpointPolicy(version: string, wish: 'auto' | Target): EndpointPolicy {
  if (wish !== 'auto') {
    const reason = `the cluster file says controlPlaneKubeconfigs: ${wish}`
    return { kubelet: wish, controllerManager: wish, scheduler: wish, reason }
  }
  const rows = {
    kubelet: rowFor('kubelet', version),
    controllerManager: rowFor('controllerManager', version),
    scheduler: rowFor('scheduler', version),
  }
  return {
    kubelet: rows.kubelet.target,
    controllerManager: rows.controllerManager.target,
    scheduler: rows.scheduler.target,
    reason: `Kubernetes ${version}: kubelet ${rows.kubelet.target}: ${rows.kubelet.reason}; controller-manager and scheduler ${rows.scheduler.target}: ${rows.scheduler.reason}`,
  }
}
