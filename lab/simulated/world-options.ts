import type { InitWish } from './init-wish.js'

export type SimulatedRole = 'control-plane' | 'worker' | 'load-balancer' | 'etcd'

/** How a simulated site is wanted. */
export interface WorldOptions {
  /** Of any release that versions.ts has, such as `v1.37.2`. */
  readonly kubernetesVersion: string
  readonly controlPlanes: number
  readonly workers: number
  /** So many of the workers, the last ones, are machines that have not joined yet. */
  readonly spareWorkers?: number
  /** Machines for a load balancer of its own, which are no nodes of the cluster. */
  readonly balancers?: number
  /** True: the packages of haproxy and keepalived are on the workers too. */
  readonly haproxyEverywhere?: boolean
  /** etcd on machines of its own, which have no agent. */
  readonly externalEtcd?: ExternalEtcdWish
  /** `127.13.0`; another one is taken when it is in use. A random one where it is not given. */
  readonly subnet?: string
  /**
   * `k8s.example.com:6443`: as `kubeadm init --control-plane-endpoint` had it. Its name leads to the first control plane where the port is the API
   * server's own, else to a load balancer of the operator's on the first of the machines for one.
   */
  readonly controlPlaneEndpoint?: string
  /**
   * How kube-proxy is: `iptables` unless given; absent after `kubeadm init --skip-phases=addon/kube-proxy`; disabled by a nodeSelector that no node
   * has, as Calico's page on eBPF has people do it.
   */
  readonly kubeProxy?: 'iptables' | 'ipvs' | 'nftables' | 'absent' | 'disabled'
  /** None unless given. Its objects and files name the first control plane, as its documentation had people write. */
  readonly networkPlugin?: NetworkPlugin
  /** False: nobody has entered the endpoint's name into DNS. */
  readonly dns?: boolean
  /** What the first control plane was made with, beside kubeadm's defaults. */
  readonly init?: InitWish
  /** The machines are called otherwise than the nodes: `nodeRegistration.name`. */
  readonly otherHostnames?: boolean
  /** Each machine has a second network card, with the default route, where its agent is dialled. */
  readonly secondNetwork?: boolean
  /**
   * IPv4 unless given. IPv6 is to be had in a network of one's own (network-namespace.ts); of dual stack the nodes are told their second address,
   * at which nothing listens.
   */
  readonly addresses?: 'ipv4' | 'ipv6' | 'dual-stack'
  /** Folder of the site's files, made by who starts it. */
  readonly folder: string
  /** Folder of the nodes' programs; must not be on a file system that is mounted noexec. */
  readonly programFolder: string
}

export interface ExternalEtcdWish {
  readonly members: number
  /** Folder of the client's files on the control planes; /etc/etcd/pki unless given. */
  readonly clientFolder?: string
  /** How many members the API servers are told of; all unless given. */
  readonly named?: number
}

/** A network plugin that is told where the API server is, in the place of kube-proxy's Service. */
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

/** What the world prints when it runs. */
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
