export type SimulatedRole = 'control-plane' | 'worker' | 'load-balancer'

/** How a simulated site is wanted. */
export interface WorldOptions {
  /** `v1.37.2`, `v1.34.4` or `v1.30.4`. */
  readonly kubernetesVersion: string
  readonly controlPlanes: number
  readonly workers: number
  /** So many of the workers, the last ones, are machines that have not joined yet. */
  readonly spareWorkers?: number
  /** Machines for a load balancer of its own, which are no nodes of the cluster. */
  readonly balancers?: number
  /** True: the packages of haproxy and keepalived are on the workers too. */
  readonly haproxyEverywhere?: boolean
  /** `127.13.0`; another one is taken when it is in use. A random one where it is not given. */
  readonly subnet?: string
  /** False: nobody has entered the endpoint's name into DNS. */
  readonly dns?: boolean
  /** Folder of the site's files, made by who starts it. */
  readonly folder: string
  /** Folder of the nodes' programs; must not be on a file system that is mounted noexec. */
  readonly programFolder: string
}

export interface SimulatedNodeDescription {
  readonly name: string
  readonly address: string
  readonly role: SimulatedRole
  /** Folder that is `/` for the node. */
  readonly root: string
  /** Folder with the node's programs: its PATH. */
  readonly path: string
}

/** What the world prints when it runs. */
export interface WorldDescription {
  readonly folder: string
  /** Path of the control socket. */
  readonly control: string
  readonly virtualIp: string
  readonly kubernetesVersion: string
  readonly nodes: readonly SimulatedNodeDescription[]
}
