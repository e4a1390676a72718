import type { Endpoint, NodeName } from '@quorate/shared/names'
import type { LoadBalancerKindName } from './load-balancer-settings.js'

export interface NodeEntry {
  readonly name: NodeName
  /** IP address of the node in the cluster's network. */
  readonly address: string
  /** Where its agent is dialled, `host:port`; the address and port 7445 unless the file says otherwise. */
  readonly agent: string
  /** What is typed after `ssh` to reach it; unset: its address. */
  readonly ssh?: string
}

export interface BgpSettings {
  /** Number of the control planes' autonomous system. */
  readonly as: number
  readonly peers: readonly { readonly address: string; readonly as: number }[]
}

/** The cluster file, parsed and complete: every default is filled in. */
export interface ClusterFile {
  readonly name: string
  readonly endpoint: Endpoint
  readonly loadBalancer: {
    readonly kind: LoadBalancerKindName
    /** Needed by haproxy; where external it may name the address that the endpoint resolves to. */
    readonly virtualIP: string | undefined
    /** VRRP router id, 1 to 255; derived from the virtual IP unless given. */
    readonly virtualRouterId: number
    /** Machines of its own, which are no nodes of the cluster; none: it runs on the control planes. */
    readonly hosts: readonly NodeEntry[]
    /** service without a virtual IP: the port on every node by which clients outside reach it. */
    readonly nodePort: number | undefined
    /** service: the nodes use it too, although nothing starts without help after a power failure of all nodes. */
    readonly underKubelets: boolean
    /** Of kube-vip; that of its kind unless given. */
    readonly image?: string
    /** The virtual IP is announced to these routers. */
    readonly bgp?: BgpSettings
  }
  /** The first is the existing one. */
  readonly controlPlanes: readonly NodeEntry[]
  readonly workers: readonly NodeEntry[]
  readonly policy: {
    readonly controlPlaneKubeconfigs: 'auto' | 'local' | 'load-balancer'
    readonly manageHosts: boolean
    /** etcd that listens on localhost alone is made to listen for others, which costs one restart of it. */
    readonly letEtcdListen: boolean
    /** Flags of the first control plane's kubelet for the joiners': given by their join, or none; undefined: the operator has not chosen. */
    readonly kubeletExtraArgs?: 'as-first' | 'own' | undefined
    /** Taints of the joiners' Nodes: those of the first control plane's, or kubeadm's; undefined: kubeadm's, and a finding where they differ. */
    readonly controlPlaneTaints?: 'as-first' | 'kubeadm' | undefined
    /** `auto`: kubeadm's gate EtcdLearnerMode is set for the joins where it is off and known. */
    readonly etcdLearners: 'auto' | 'as-configured'
    /** What was written by hand into the first control plane's manifests is added to kubeadm-config, so that the joiners get it too. */
    readonly adoptManifestChanges: boolean
    readonly waves: { readonly canary: number; readonly width: number; readonly maxFailed: number }
    /** How many approvers have to sign the plan of a run before it starts; 0: none. */
    readonly approvals: number
    /** How long users may have been without the API in one step before the run stops by itself. */
    readonly availabilityBudgetSeconds: number
    /** For how long the plan may take the API away where that cannot be avoided; the budget allows it on top. */
    readonly acceptOutageSeconds: number
    readonly ignorePreflightErrors: readonly string[]
    /** Ids of Quorate's own findings to ignore, each with its reason. */
    readonly ignoreFindings: Readonly<Record<string, string>>
  }
}
