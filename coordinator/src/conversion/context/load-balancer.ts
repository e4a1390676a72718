import type { LoadBalancerProgram } from '@quorate/shared/load-balancer-place'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { LoadBalancerKindName } from '../../config/load-balancer-settings.js'
import type { Action, DoneAction, Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { Finding } from './finding.js'

/** Its backends, and which agents can be updated. */
export interface Pool {
  readonly backends: readonly NodeEntry[]
  /** Control planes that are no backends but may hold the address: their load balancer needs the update too. */
  readonly beside: readonly NodeEntry[]
  /** Control planes that are joining now: their agents run one operation at a time. */
  readonly joining: readonly NodeEntry[]
  /** The control plane that is leaving; unset while joining. */
  readonly leaving?: NodeEntry
}

/** One machine that runs our load balancer. */
export interface Frontend {
  readonly node: NodeEntry
  /** Address where it answers on the endpoint's port. */
  readonly address: string
  /** Its clients there: each of them must reach it. */
  readonly clients: readonly NodeEntry[]
  /** Its only backend; unset: all. */
  readonly leadsOnlyTo?: NodeEntry
}

/**
 * The load balancer of a run: all that differs between haproxy on the control planes and one that the operator runs. One file for each kind; a sixth
 * kind is a file, a line in all.ts and a row of config/load-balancer-settings.ts. Checks, gates and proofs use this interface, never its name.
 */
export interface LoadBalancer {
  readonly name: LoadBalancerKindName
  /** What keeps it running: one that the operator runs is verified before anything is changed, one that Quorate runs after it starts. */
  readonly runBy: 'quorate' | 'operator' | 'cluster'
  /** Programs that run as services of systemd on each of its machines. */
  readonly programs: readonly LoadBalancerProgram[]
  /** Containers of static pods that run on each of its machines. */
  readonly containers?: readonly string[]
  /** Images that its machines need. */
  images?(): readonly string[]
  /** True: a machine gives the address up when its settings change, so two must not change at once. */
  readonly oneAtATime?: true
  /** The command to inspect it when it does not serve. */
  readonly inspect: string
  /** The machines on which it runs, each of which must serve; none where Quorate does not run it. */
  frontends(): readonly Frontend[]
  /** Address of the endpoint on a machine of the cluster; undefined: what its name resolves to there. */
  address(): string | undefined
  /** Address that exactly one of its machines holds and another takes over. */
  movingAddress(): string | undefined
  /** True: routers learn who has the moving address, which may be outside the machines' own network. */
  isRouted?(): boolean
  /** Address that /etc/hosts of every node gets for the endpoint's name; undefined: DNS resolves it. */
  hostsAddress(): string | undefined
  /** Addresses that the certificates must have besides the endpoint's name. */
  sans(): readonly string[]
  /** What clients outside the cluster use, a sentence for the plan; unset: the endpoint. */
  forOutside?(): string
  /** Preconditions of its start (ports, packages, addresses). */
  check(): Promise<readonly Finding[]>
  /** Actions that start it with the first control plane as its only backend; empty when it runs already, or Quorate does not run it. */
  plan(): Promise<readonly Action[]>
  apply(action: Action, call: ChangeCall): Promise<void>
  /** Makes the ready control planes its backends: called after a join, and before a member leaves. */
  setBackends(pool: Pool, call: ChangeCall): Promise<void>
  /** Waits until each of `backends` was reached through it, by certificate; or, with one active backend, can take over from that one. */
  proveBackends(backends: readonly NodeEntry[], signal: AbortSignal): Promise<readonly Evidence[]>
  /** What it has besides its machines, such as a Service for clients outside: proved with them. */
  besides?(signal: AbortSignal): Promise<readonly Evidence[]>
  undo(done: DoneAction, call: ChangeCall): Promise<void>
}
