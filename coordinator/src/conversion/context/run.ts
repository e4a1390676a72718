import type { ClusterFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Endpoint } from '@quorate/shared/names'
import { oneAtATime } from '@quorate/shared/one-at-a-time'
import type { ClusterFile, NodeEntry } from '../../config/cluster-file.js'
import type { Absence } from '../../engine/absence.js'
import type { RecordedFinding } from '../../engine/recorded-finding.js'
import type { Step } from '../../engine/step.js'
import type { Agent } from '../../fleet/agent.js'
import type { RequestFolder } from '../../state/request-folder.js'
import type { EndpointPolicy } from './endpoint-policy.js'
import type { EtcdFacts } from './etcd-facts.js'
import type { EtcdTopology } from './etcd-topology.js'
import type { JoinersWillBe } from './joiners-will-be.js'
import type { LoadBalancer } from './load-balancer.js'

/** All that a step, check or proof may use of the conversion. */
export interface ConversionRun {
  readonly id: string
  readonly file: ClusterFile
  /** The control plane that exists. */
  readonly first: NodeEntry
  /** The control planes to join, in the order of the file. */
  readonly joining: readonly NodeEntry[]
  readonly controlPlanes: readonly NodeEntry[]
  /** Those that are not missing; `file.workers` has them all. */
  readonly workers: readonly NodeEntry[]
  /** Control planes and workers, without those that are missing. */
  readonly nodes: readonly NodeEntry[]
  /** The nodes and the hosts of the load balancer: all on which an agent runs. */
  readonly machines: readonly NodeEntry[]
  /** Workers that do not answer and are set aside for now. */
  readonly absence: Absence
  /** Errors of the plan that the operator accepted with a reason. */
  readonly accepted: readonly RecordedFinding[]
  /** Agents let this caller only read: what has to be measured is not checked. */
  readonly looksOnly: boolean
  readonly endpoint: Endpoint
  /** Whether a node may lack what all others have: a resumed run knows which nodes it set aside, a new one does not. */
  mayBeBehind(node: string): boolean
  agent(node: NodeEntry | string): Agent
  /** Facts as last read; read once between two calls of `refresh`. Gates read fresh: `agent(node).read('getNodeFacts', {})`. */
  nodeFacts(node: NodeEntry | string): Promise<NodeFacts>
  /** From the first control plane; the same cache. */
  clusterFacts(): Promise<ClusterFacts>
  etcd(): Promise<EtcdFacts>
  /** Where etcd's members live and what that means; the same during a run. */
  etcdTopology(): Promise<EtcdTopology>
  /**
   * Forgets facts; the engine calls it before it plans a step again. With names: those of these nodes, of the cluster and of etcd, and all older
   * than ten seconds; an unchanged node is not read again for each step. Without: all.
   */
  refresh(touched?: Iterable<string>): void
  /** Which server each kubeconfig of a control plane names, by version and the operator's policy; see conversion/context/endpoint-policy.ts. */
  endpointPolicy(): Promise<EndpointPolicy>
  readonly loadBalancer: LoadBalancer
  /** State that parts of this process share; lost with it, and never needed to continue after a crash. */
  readonly inProcess: InProcess
  /** The steps that this run walks. */
  readonly order: readonly Step<ConversionRun>[]
  /** Keeps an encrypted backup off the node: writes it into the state folder, returns its path, sha256 (of the ciphertext) and size in bytes. */
  keepBackup(
    node: string,
    kind: 'etcd' | 'files',
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ path: string; sha256: string; bytes: number }>
  /** Where this run's requests for certificates wait for the operator. */
  readonly requestFolder: RequestFolder
  /** Public age recipient of the operator; backups are encrypted for it. */
  readonly backupRecipient: string
}

/** State that parts of one process of a run share. */
export class InProcess {
  /** Control planes whose `kubeadm join` runs now. */
  readonly joining = new Set<NodeEntry>()
  /** Control planes that left the load balancer, or are about to: no backends again, although they serve until they are reset. */
  readonly leaving = new Set<NodeEntry>()
  /** Joiners whose `kubeadm join phase preflight` runs now. */
  preflights = 0
  /** Changes of the load balancer's backends. */
  readonly balancing = oneAtATime()
  /** Joins, until the etcd member of each votes. */
  readonly learning = oneAtATime()
  /** Ends of API servers that leave. */
  readonly ending = oneAtATime()
  /** The last reading of the cluster's facts; `startedAt` in Unix milliseconds. */
  clusterReading: { readonly startedAt: number; readonly facts: Promise<ClusterFacts> } | undefined
  /** What kubeadm would write for the joiners, by the sha256 of the request. */
  readonly rendered = new Map<string, Promise<JoinersWillBe>>()
}
