import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { ChangeCall } from '../fleet/agent.js'

/** A change of one file or object, for the operator to read. */
export interface Diff {
  /** `NODE:/PATH` of a file, `KIND/NAMESPACE/NAME` of an object. */
  readonly name: string
  /** Unified diff; empty where the content is not known before (a new certificate). */
  readonly text: string
}

/** One thing to do on one node. Plain data: it goes into the plan, its hash and the journal. */
export interface Action {
  /** Unique in its step and the same when planned again: usually the node's name. */
  readonly id: string
  readonly node: string
  /** What will be done, in words, without the node: `point FILE at https://...`. */
  readonly does: string
  readonly diffs: readonly Diff[]
  /** Set where the action has a point of no return: one sentence that says when. */
  readonly noWayBack?: string
  /** Set where it causes an unavoidable outage: the longest time. */
  readonly outageSeconds?: number
  /** What the operator does afterwards where no agent runs, such as on workstations and in CI: one sentence with the command. */
  readonly elsewhere?: string
}

/** What a gate saw: kept in the journal and the report. */
export interface Evidence {
  readonly what: string
  readonly saw: string
  /** When; Unix milliseconds. */
  readonly at?: number
}

/** Evidence with its time: its own, else now. */
export const seenAt = (now: number, evidence: readonly Evidence[]): readonly Evidence[] =>
  evidence.map((one) => ({ at: now, ...one }))

/** An action of a run, from the journal: what each of its operations did. */
export interface DoneAction {
  readonly action: Action
  readonly results: readonly { readonly node: string; readonly label: string; readonly result: OperationResult }[]
}

/** A step without an undo, with the reason. */
export interface NothingToUndo {
  readonly nothingToUndo: string
}
export const nothingToUndo = (why: string): NothingToUndo => ({ nothingToUndo: why })

/**
 * One step of an order. A step never loops over nodes: `plan` names the actions, the engine walks them `width` at a time.
 * The engine knows nothing of what steps do; `Run` is the narrow context that the order's own package defines, `Note` what `apply` passes to `verify`.
 */
export interface Step<Run, Note = unknown> {
  /** File name, journal key and anchor in docs/order.md. */
  readonly id: string
  readonly title: string
  /** Section of the documented procedure that it automates; undefined for what that procedure omits. */
  readonly documented?: string
  /** One sentence for docs/order.md: what the gate observes. */
  readonly gate: string
  /** One sentence for docs/order.md: what the undo restores. */
  readonly undo: string
  /** Nodes at a time: a number, or a function of the run (waves). */
  readonly width: number | ((run: Run) => number | Promise<number>)
  /** Seconds that one action takes with its gate, as a rule of thumb for the plan; 3 unless given. */
  readonly seconds?: number
  /** Set where actions may cause an outage (`outageSeconds`): why. */
  readonly outage?: string
  /** Actions before this many are verified one by one before the rest starts (canary); 0 unless given. */
  readonly canary?: (run: Run) => number
  /** How many nodes may fail before the step starts no further one; 0 unless given. A step with a failed node always ends the run. */
  readonly maxFailed?: (run: Run) => number
  /** Id of a later step: this step's gate is watched while the steps in between run, and must hold before that one starts. Unset: before the next. */
  readonly settleBefore?: string
  /**
   * How a resumed run treats an action that it verified before and that the plan has again. `kept`: it holds for the whole run
   * (a backup). `renewed`: it does not last, or follows what later steps do, and is done again (a token, a scan). Unset: something has
   * changed, which is reported to the operator before anything is done.
   */
  readonly onResume?: 'kept' | 'renewed'
  /** Verifies this step's preconditions again, just before its first action; throws what no longer holds. */
  before?(run: Run, signal: AbortSignal): Promise<readonly Evidence[]>
  /** Read-only; from present facts and desired state only. Empty: no change needed. */
  plan(run: Run): Promise<readonly Action[]>
  /** Runs the action. What it returns is for the gate of the same action only; after a crash it runs, and returns, again. */
  apply(run: Run, action: Action, call: ChangeCall): Promise<Note>
  /** The gate: observes again, never trusts apply; waits with a deadline; throws what is wrong. */
  verify(run: Run, action: Action, signal: AbortSignal, note: Note): Promise<readonly Evidence[]>
  /** Undoes what the journal says was done. */
  readonly rollback: ((run: Run, done: DoneAction, call: ChangeCall) => Promise<void>) | NothingToUndo
  /** The gate of the undo, where it verifies more than that files and objects are as before. */
  undone?(run: Run, done: DoneAction, signal: AbortSignal): Promise<readonly Evidence[]>
}

/** How many of its actions run at once; at least one. */
export async function widthOf<Run>({ width }: Step<Run>, run: Run): Promise<number> {
  return Math.max(1, typeof width === 'number' ? width : await width(run))
}
