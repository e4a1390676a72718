/** Keys of `loadBalancer` that are of one kind alone. */
export type OwnKey = 'image' | 'bgp' | 'nodePort' | 'underKubelets'

/** What one kind of load balancer takes from the cluster file. */
export interface LoadBalancerSettings {
  /** What the report and the plan call it. */
  readonly title: string
  readonly virtualIP: 'needed' | 'allowed' | 'unused'
  /** Whether it may run on machines of its own, `loadBalancer.hosts`. */
  readonly hosts: boolean
  /** Further keys of `loadBalancer` that it has. */
  readonly takes?: readonly OwnKey[]
  /** A process of its own listens on the endpoint's port where API servers do: the ports of a control plane are taken there. */
  readonly besideApiServer: boolean
}

/** The kinds that `loadBalancer.kind` may name; what each does is in conversion/load-balancers/, in a file of its own. */
export const loadBalancerSettings = {
  haproxy: {
    title: 'haproxy + keepalived',
    virtualIP: 'needed',
    hosts: true,
    besideApiServer: true,
  },
  external: {
    title: 'load balancer of the operator',
    virtualIP: 'allowed',
    hosts: false,
    besideApiServer: false,
  },
  'kube-vip': {
    title: 'kube-vip',
    virtualIP: 'needed',
    hosts: false,
    takes: ['image', 'bgp'],
    besideApiServer: false,
  },
  'node-local': {
    title: 'haproxy on every node',
    virtualIP: 'unused',
    hosts: false,
    besideApiServer: true,
  },
  service: {
    title: 'Service in the cluster',
    virtualIP: 'allowed',
    hosts: false,
    besideApiServer: true,
    takes: ['nodePort', 'underKubelets'],
  },
} as const satisfies Readonly<Record<string, LoadBalancerSettings>>

export type LoadBalancerKindName = keyof typeof loadBalancerSettings

export const loadBalancerKindNames = Object.keys(loadBalancerSettings) as LoadBalancerKindName[]

/** The settings of a kind, by their common type. */
export const settingsOf = (kind: LoadBalancerKindName): LoadBalancerSettings => loadBalancerSettings[kind]

/** What a report calls a kind; one of an older or newer version that is not known here has its name. */
export const loadBalancerTitle = (kind: string): string =>
  (loadBalancerSettings as Readonly<Record<string, LoadBalancerSettings>>)[kind]?.title ?? kind
