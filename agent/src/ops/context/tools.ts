import type { BackupSealing } from '../../host/backup-sealing.js'
import type { CriClient } from '../../host/cri.js'
import type { DenyList } from '../../host/deny-list.js'
import type { EtcdClient } from '../../host/etcd.js'
import type { Host } from '../../host/host.js'
import type { KubeApi } from '../../host/kube-api.js'
import type { Network } from '../../host/network.js'
import type { OwnIdentity } from '../../host/own-identity.js'
import type { Pins } from '../../host/pins.js'
import type { Sealing } from '../../host/sealing.js'
import type { DisturbingLooks } from './disturbing-looks.js'

/** The parts of its node that an operation may use. */
export interface Tools {
  readonly host: Host
  /** Folder of the agent's own state (`/var/lib/quorate-agent`). */
  readonly stateFolder: string
  /** Socket of the container runtime in kubeadm's notation (`/run/containerd/containerd.sock`). */
  readonly criSocket: string
  readonly network: Network
  readonly identity: OwnIdentity
  readonly sealing: Sealing
  readonly pins: Pins
  /** Encrypts what this node keeps of itself. */
  readonly backups: BackupSealing
  readonly denyList: DenyList
  /** Reads that a change must not overlap. */
  readonly looks: DisturbingLooks
  /** The local API server with the credentials of admin.conf; NOT_A_CONTROL_PLANE on other nodes, ADMIN_KUBECONFIG_MISSING without that file. */
  kube(): Promise<KubeApi>
  /** etcd of this control plane; NOT_A_CONTROL_PLANE on other nodes. The caller closes it. */
  etcd(): Promise<EtcdClient>
  /** The container runtime. The caller closes it. */
  cri(): CriClient
}
