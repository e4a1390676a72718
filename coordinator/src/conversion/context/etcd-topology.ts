import type { QuorateError } from '@quorate/shared/errors'
import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import type { Look } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { EtcdFacts } from './etcd-facts.js'
import type { Finding } from './finding.js'

/** A problem that a check or proof reports under its own id. */
export type Shortcoming = Omit<Finding, 'id' | 'severity'>

/** Something that etcd lacks; an error unless its severity is given. */
export type Lacking = Shortcoming & { readonly severity?: 'warning' }

/** What a control plane that leaves the cluster means for etcd. */
export interface Leaving {
  readonly call: ChangeCall
  /** Shuts its API server down gracefully; only while the cluster keeps working without it. */
  retire(): Promise<void>
}

/** How many voters answer before and after control planes leave, in words. */
export interface LeavingForecast {
  readonly quorum: readonly string[]
  /** Why it cannot be done. */
  readonly impossible: readonly string[]
}

/** A place outside the nodes of the cluster file that every control plane must reach. */
export interface OutsidePlace {
  readonly host: string
  readonly port: number
  readonly what: string
}

/**
 * Where etcd's members run, and so what a joining or leaving control plane means for them. One of two, chosen once in a run (etcd/choose.ts):
 * steps, gates, checks, proofs and drills use this interface and never ask which one it is.
 */
export interface EtcdTopology {
  /** etcd's ports: control planes must reach each other on them, and they must be free on a joiner. */
  readonly ports: readonly number[]
  /** etcd endpoints on other machines that every control plane must reach. */
  readonly outside: readonly OutsidePlace[]
  /** Control planes that have their own member or get one when they join: their disks, addresses and learners matter. */
  homes(): readonly NodeEntry[]
  /** Whether a member may be in the list. */
  expects(member: EtcdMember): boolean
  /** What is wrong with the configuration for a conversion at all; empty when it can be converted. */
  inconvertible(): Promise<readonly Shortcoming[]>
  /** Why etcd would not survive the loss of a machine, although every member is healthy: for members whose number no step changes. */
  notRedundant(): Promise<readonly Shortcoming[]>
  /** What the member list lacks for these control planes, although each of its members is healthy. */
  lacking(etcd: EtcdFacts): readonly Lacking[]
  /** Whether etcd has all that it needs from a control plane of the cluster. */
  isMember(node: NodeEntry): Promise<boolean>
  /** Whether an API server on this node has an etcd to serve from. */
  serves(node: NodeEntry, signal?: AbortSignal): Promise<Look<readonly Evidence[]>>
  /** How many joins may be under way at once. */
  joinsAtOnce(): Promise<number>
  /** Runs `join` as soon as etcd can take the member that it adds. */
  inTurn(node: NodeEntry, joining: { readonly call: ChangeCall; readonly join: () => Promise<void> }): Promise<void>
  /** The sentence to print before the node joins, where its join has a point of no return. */
  noWayBack(node: NodeEntry): string | undefined
  /** Settles a join that failed or whose outcome is unknown: returns when kubeadm's remaining phases can run, throws `why` when it must be rolled back. */
  settleJoin(node: NodeEntry, broken: { readonly call: ChangeCall; readonly why: QuorateError }): Promise<void>
  /** Removes a control plane from etcd. */
  leave(node: NodeEntry, leaving: Leaving): Promise<void>
  /** The effect of removing these control planes, one after the other. */
  forecastLeaving(nodes: readonly NodeEntry[]): Promise<LeavingForecast>
  /** Whether etcd is healthy without a removed control plane. */
  hasLeft(node: NodeEntry, signal: AbortSignal): Promise<Look<readonly Evidence[]>>
}
