import type { KeyObject } from 'node:crypto'
import type { Identity } from './certificates.js'
import type { EtcdCluster } from './etcd-cluster.js'
import type { VirtualAddresses } from './keepalived.js'
import type { ExternalEtcd } from './kubeadm-config.js'
import type { Machine } from './machine.js'
import type { SimulatedNetwork } from './network.js'
import type { SimulatedNode } from './node.js'
import type { ObjectStore } from './store.js'
import type { Release } from './versions.js'

/** Everything that one simulated site is made of. */
export interface Site {
  /** Another one after an upgrade. */
  release: Release
  readonly nodes: Map<string, SimulatedNode>
  readonly machines: Map<string, Machine>
  readonly network: SimulatedNetwork
  readonly store: ObjectStore
  readonly etcd: EtcdCluster
  /** Machines of an etcd that is external. */
  readonly etcdMachines: readonly SimulatedNode[]
  /** How API servers are told of it, where it is on machines of its own. */
  readonly externalEtcd?: ExternalEtcd
  readonly virtualAddresses: VirtualAddresses
  /** RSA keys made beforehand: making one costs more than all else of a certificate. */
  readonly keys: readonly KeyObject[]
  /** Keys with which certificates were ever uploaded. */
  readonly certificateKeys: Set<string>
  /** What the kubelets show on port 10250. */
  readonly kubeletServing: Identity
}

/** The machine of that name; throws for none. */
export function machineOf(site: Site, name: string): Machine {
  const machine = site.machines.get(name)
  if (machine === undefined) throw new Error(`no node ${name} in this laboratory`)
  return machine
}
