import type { KeyObject } from 'node:crypto'
import type { Identity } from './certificates.js'
import type { EtcdCluster } from './etcd-cluster.js'
import type { ExternalEtcd } from './init-wish.js'
import type { VirtualAddresses } from './keepalived.js'
import type { SimulatedNetwork } from './network.js'
import type { SimulatedNode } from './node.js'
import type { ObjectStore } from './store.js'
import type { Release } from './versions.js'

/** What the machines of one simulated site share. */
export interface SiteParts {
  /** Changes with an upgrade. */
  release: Release
  readonly nodes: Map<string, SimulatedNode>
  readonly network: SimulatedNetwork
  readonly store: ObjectStore
  readonly etcd: EtcdCluster
  /** Machines of an etcd that is external. */
  readonly etcdMachines: readonly SimulatedNode[]
  /** How API servers refer to an external etcd. */
  readonly externalEtcd?: ExternalEtcd
  readonly virtualAddresses: VirtualAddresses
  /** RSA keys made beforehand: making one is the slowest part of a certificate. */
  readonly keys: readonly KeyObject[]
  /** Every key with which certificates were uploaded. */
  readonly certificateKeys: Set<string>
  /** What the kubelets show on port 10250. */
  readonly kubeletServing: Identity
}
