/** Where a kubeconfig of a control plane points: its own API server, or the load balancer. */
export type Target = 'local' | 'load-balancer'

/** The decision for one cluster, and why, as the plan prints it. */
export interface EndpointPolicy {
  readonly kubelet: Target
  readonly controllerManager: Target
  readonly scheduler: Target
  readonly reason: string
}
