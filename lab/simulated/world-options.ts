import type { InitWish } from './init-wish.js'

export type SimulatedRole = 'control-plane' | 'worker' | 'load-balancer' | 'etcd'

/** Options of a simulated site. */
export interface WorldOptions {
  /** Of any release that versions.ts has, such as `v1.37.2`. */
  readonly kubernetesVersion: string
  readonly controlPlanes: number
  readonly workers: number
  /** The number of workers, the last ones, that have not joined yet. */
  readonly spareWorkers?: number
  /** Machines for a separate load balancer, which are no nodes of the cluster. */
  readonly balancers?: number
  /** True: the packages of haproxy and keepalived are on the workers too. */
  readonly haproxyEverywhere?: boolean
  /** etcd on separate machines, which have no agent. */
  readonly externalEtcd?: ExternalEtcdWish
  /** `127.13.0`; another one is taken when it is in use. Random unless given. */
  readonly subnet?: string
  /**
   * `k8s.example.com:6443`: the value of `kubeadm init --control-plane-endpoint`. Its name resolves to the first control plane if the port is the API
   * server's own, otherwise to the operator's load balancer on the first machine of `balancers`.
   */
  readonly controlPlaneEndpoint?: string
  /**
   * kube-proxy's mode: default `iptables`; absent after `kubeadm init --skip-phases=addon/kube-proxy`; disabled by a nodeSelector that matches no
   * node, as Calico's page on eBPF recommends.
   */
  readonly kubeProxy?: 'iptables' | 'ipvs' | 'nftables' | 'absent' | 'disabled'
  /** Default none. Its objects and files name the first control plane, as its documentation recommended. */
  readonly networkPlugin?: NetworkPlugin
  /** False: the endpoint's name is not in DNS. */
  readonly dns?: boolean
  /** Options of `kubeadm init` besides the defaults. */
  readonly init?: InitWish
  /** The hostnames differ from the nodes' names: `nodeRegistration.name`. */
  readonly otherHostnames?: boolean
  /** Each machine has a second network card, with the default route, where its agent is dialled. */
  readonly secondNetwork?: boolean
  /**
   * IPv4 unless given. IPv6 requires a separate network namespace (network-namespace.ts). With dual stack nothing listens at the nodes' second
   * addresses.
   */
  readonly addresses?: 'ipv4' | 'ipv6' | 'dual-stack'
  /** Folder of the site's files; the caller makes it. */
  readonly folder: string
  /** Folder of the nodes' programs; must not be on a file system that is mounted noexec. */
  readonly programFolder: string
}

export interface ExternalEtcdWish {
  readonly members: number
  /** Folder of the client's files on the control planes; /etc/etcd/pki unless given. */
  readonly clientFolder?: string
  /** How many members the API servers' flags name; all unless given. */
  readonly named?: number
}

/** A network plugin that is configured with the API server's address, instead of kube-proxy's Service. */
export type NetworkPlugin = 'cilium' | 'calico'

export interface SimulatedNodeDescription {
  readonly name: string
  readonly address: string
  readonly role: SimulatedRole
  /** Where its agent listens: the node's address, unless the machine has a second network. */
  readonly agentAddress: string
  /** Folder that is `/` for the node. */
  readonly root: string
  /** Folder with the node's programs: its PATH. */
  readonly path: string
}

/** What the world prints once it runs. */
export interface WorldDescription {
  readonly folder: string
  /** Path of the control socket. */
  readonly control: string
  readonly virtualIp: string
  /** Of the API servers. */
  readonly apiPort: number
  readonly kubernetesVersion: string
  readonly nodes: readonly SimulatedNodeDescription[]
}
