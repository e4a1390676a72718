import type { QuorateError } from '@quorate/shared/errors'
import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'
import type { Look } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { EtcdFacts } from './etcd-facts.js'
import type { Finding } from './finding.js'

/** Something that is not as it must be, of whichever check or proof asked. */
export type Shortcoming = Omit<Finding, 'id' | 'severity'>

/** Something that etcd lacks; an error unless it says less. */
export type Lacking = Shortcoming & { readonly severity?: 'warning' }

/** What a control plane that leaves the cluster means for etcd. */
export interface Leaving {
  readonly call: ChangeCall
  /** Ends its API server gently; only while the cluster goes on without it. */
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
 * Where etcd's members live, and so what a control plane that joins or leaves means for them. One of two, chosen once in a run
 * (etcd/choose.ts): steps, gates, checks, proofs and drills ask it and never which it is.
 */
export interface EtcdTopology {
  /** Ports on which control planes must reach each other for etcd's sake, and which must be free on one that joins. */
  readonly ports: readonly number[]
  /** What of etcd every control plane must reach elsewhere. */
  readonly outside: readonly OutsidePlace[]
  /** Control planes that have a member of their own or get one when they join: their disks, addresses and learners matter. */
  homes(): readonly NodeEntry[]
  /** Whether a member may be in the list. */
  expects(member: EtcdMember): boolean
  /** What is wrong with the configuration for a conversion at all; empty when it can be converted. */
  inconvertible(): Promise<readonly Shortcoming[]>
  /** Why etcd would not survive the loss of a machine, although every member is well: for members whose number no step changes. */
  notRedundant(): Promise<readonly Shortcoming[]>
  /** What the list lacks for these control planes, each of its members being well. */
  lacking(etcd: EtcdFacts): readonly Lacking[]
  /** Whether etcd has all that it needs of a control plane that is in the cluster. */
  isMember(node: NodeEntry): Promise<boolean>
  /** Whether an API server on this node has an etcd to serve from. */
  serves(node: NodeEntry, signal?: AbortSignal): Promise<Look<readonly Evidence[]>>
  /** How many joins may be under way at once. */
  joinsAtOnce(): Promise<number>
  /** The sentence to say before the node joins, where its join has no way back in some case. */
  noWayBack(node: NodeEntry): string | undefined
  /** A join that did not end well or whose end nobody knows: returns when kubeadm's remaining phases are worth running, throws `why` when it is to be taken back. */
  settleJoin(node: NodeEntry, broken: { readonly call: ChangeCall; readonly why: QuorateError }): Promise<void>
  /** Takes a control plane out, as far as etcd is concerned. */
  leave(node: NodeEntry, leaving: Leaving): Promise<void>
  /** What taking these control planes out, one after the other, would mean. */
  forecastLeaving(nodes: readonly NodeEntry[]): Promise<LeavingForecast>
  /** Whether etcd is well without a control plane that was taken out. */
  hasLeft(node: NodeEntry, signal: AbortSignal): Promise<Look<readonly Evidence[]>>
}
