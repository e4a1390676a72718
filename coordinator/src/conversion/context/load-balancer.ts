import type { LoadBalancerProgram } from '@quorate/shared/load-balancer-place'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { LoadBalancerKindName } from '../../config/load-balancer-settings.js'
import type { Action, DoneAction, Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { Finding } from './finding.js'

/** Where it shall lead, and whose agents may be told. */
export interface Pool {
  readonly backends: readonly NodeEntry[]
  /** Control planes that are no backends, but may hold the address: theirs has to be told too. */
  readonly beside: readonly NodeEntry[]
  /** Control planes that join just now: their agents do one thing at a time. */
  readonly joining: readonly NodeEntry[]
  /** The control plane that is on its way out; unset on the way in. */
  readonly leaving?: NodeEntry
}

/** One machine on which a load balancer of ours runs. */
export interface Frontend {
  readonly node: NodeEntry
  /** Where its part answers on the endpoint's port. */
  readonly address: string
  /** Whom it serves there: each of them must reach it. */
  readonly clients: readonly NodeEntry[]
  /** The one control plane that it leads to; unset: to each. */
  readonly leadsOnlyTo?: NodeEntry
}

/**
 * The load balancer of a run: all that differs between haproxy on the control planes and one that the operator runs. One file for each kind; a sixth
 * kind is a file, a line in all.ts and a row of config/load-balancer-settings.ts. The checks, gates and proofs ask this, never for its name.
 */
export interface LoadBalancer {
  readonly name: LoadBalancerKindName
  /** Who keeps it running: what the operator runs is proved before anything is changed, what we run when it has started. */
  readonly runBy: 'quorate' | 'operator' | 'cluster'
  /** Programs that run as services of systemd on each of its machines. */
  readonly programs: readonly LoadBalancerProgram[]
  /** Containers of static pods that run on each of its machines. */
  readonly containers?: readonly string[]
  /** Images that its machines need. */
  images?(): readonly string[]
  /** True: a machine whose settings change gives the address up, so that two must not change at once. */
  readonly oneAtATime?: true
  /** Where to look when it does not serve, as a command. */
  readonly inspect: string
  /** The machines on which it runs, each of which must serve; none where somebody else runs it. */
  frontends(): readonly Frontend[]
  /** Address of the endpoint as a machine of the cluster meets it; undefined: whatever its name resolves to there. */
  address(): string | undefined
  /** Address that exactly one of its machines holds and another takes over. */
  movingAddress(): string | undefined
  /** True: routers are told who has the moving address, which need not be of the machines' own network. */
  isRouted?(): boolean
  /** Address that /etc/hosts of every node shall give the endpoint's name; undefined: that is for DNS to say. */
  hostsAddress(): string | undefined
  /** Addresses beside the endpoint's name that the certificates must have. */
  sans(): readonly string[]
  /** What clients outside the cluster use, a sentence for the plan; unset: the endpoint, as everybody does. */
  forOutside?(): string
  /** What must be so before it is started (ports, packages, addresses). */
  check(): Promise<readonly Finding[]>
  /** Actions that make it run with the first control plane as its only backend; empty when it does already, or is not ours. */
  plan(): Promise<readonly Action[]>
  apply(action: Action, call: ChangeCall): Promise<void>
  /** Makes the ready control planes its backends: called after a join, and before a member leaves. */
  setBackends(pool: Pool, call: ChangeCall): Promise<void>
  /** Waits until each of `backends` was met through it, by certificate; or, where one at a time is met, is able to take over from that one. */
  proveBackends(backends: readonly NodeEntry[], signal: AbortSignal): Promise<readonly Evidence[]>
  /** What it has beside its machines, such as a way for clients outside: proved with them. */
  besides?(signal: AbortSignal): Promise<readonly Evidence[]>
  undo(done: DoneAction, call: ChangeCall): Promise<void>
}
