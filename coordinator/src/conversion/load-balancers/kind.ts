import type { NodeEntry } from '../../config/cluster-file.js'
import type { Action, DoneAction, Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { Finding } from '../checks/check.js'
import type { ConversionRun } from '../run.js'

/** Where it shall lead. */
export interface Pool {
  readonly backends: readonly NodeEntry[]
  /** Control planes that are no backends, but may hold the address: theirs has to be told too. */
  readonly beside: readonly NodeEntry[]
}

/** One kind of load balancer: what differs between haproxy on the control planes and one that the operator runs. One file each. */
export interface LoadBalancerKind {
  readonly name: string
  /** Control planes on which it runs, each of which must be able to take over; none where the operator runs it. */
  nodes(run: ConversionRun): readonly NodeEntry[]
  /** What must be so before it is started (ports, packages, addresses). */
  check(run: ConversionRun): Promise<readonly Finding[]>
  /** Actions that make it run with the first control plane as its only backend; empty when it does already, or is not ours. */
  plan(run: ConversionRun): Promise<readonly Action[]>
  apply(run: ConversionRun, action: Action, call: ChangeCall): Promise<void>
  /** Makes the ready control planes its backends: called after a join, and before a member leaves. */
  setBackends(run: ConversionRun, pool: Pool, call: ChangeCall): Promise<void>
  /** Waits until each of `backends` was met through it, by certificate. */
  proveBackends(run: ConversionRun, backends: readonly NodeEntry[], signal: AbortSignal): Promise<readonly Evidence[]>
  undo(run: ConversionRun, done: DoneAction, call: ChangeCall): Promise<void>
}
