import { setMaxListeners } from 'node:events'
import type { SignedApproval } from '@quorate/shared/approval'
import { type Clock, systemClock } from '@quorate/shared/clock'
import { asQuorateError, catalogue, QuorateError } from '@quorate/shared/errors'
import { type Absence, isMissing, nobodyMissing, withoutMissing } from './absence.js'
import { eachNode } from './each-node.js'
import type { RunError, RunEvent } from './events.js'
import { foldRun, isOpen, type RunState, type StepRecord } from './fold.js'
import type { Judge, RunContext } from './operations.js'
import { ActionFailed, applyAction, continueAction, type Task, verifyAction } from './perform-action.js'
import { type PlannedStep, requireApproved, saysTheSame } from './plan.js'
import type { RecordedFinding } from './recorded-finding.js'
import { runError } from './run-error.js'
import { RunRecord } from './run-record.js'
import { type Action, type Evidence, type Step, seenAt, widthOf } from './step.js'

/** How a run ended. `needsPerson`: the cluster needs the operator now (exit code 5), not only another try. */
export interface RunOutcome {
  readonly outcome: 'done' | 'failed' | 'interrupted'
  readonly needsPerson: boolean
  readonly error?: RunError
}

/** What a step plans from; `refresh` drops what is known about these nodes, or all. */
export interface Refreshed {
  refresh(touched?: Iterable<string>): void
}

/** What walking an order needs, from its start or from where an earlier process left it. */
export interface WalkOptions<Run extends Refreshed> {
  readonly order: readonly Step<Run>[]
  readonly run: Run
  /** The plan that the operator approved; nothing beyond it is done. */
  readonly approved: readonly PlannedStep[]
  readonly context: RunContext
  /** Resolves when the event is recorded; a rejection ends the run. */
  emit(event: RunEvent): Promise<void>
  /** Decides about operations with an unknown outcome; unset: the operator has to. */
  readonly judge?: Judge<Run>
  /** Nodes that may be missing, and those that are; unset: none. */
  readonly absence?: Absence
  readonly clock?: Clock
  /** Aborted: no further action starts; running ones finish. A QuorateError as its reason becomes the error of the run. */
  readonly stop: AbortSignal
}

export interface RunOrderOptions<Run extends Refreshed> extends WalkOptions<Run> {
  readonly started: {
    readonly planHash: string
    readonly version: string
    readonly clusterFile: string
    readonly ignored: Readonly<Record<string, string>>
    readonly purpose?: string
    readonly findings?: readonly RecordedFinding[]
    readonly startedBy?: string
    readonly approvals?: readonly SignedApproval[]
  }
}

export interface ResumeOrderOptions<Run extends Refreshed> extends WalkOptions<Run> {
  /** What the journal holds. */
  readonly state: RunState
  readonly resumed: {
    readonly planHash: string
    readonly version: string
    readonly differences: readonly string[]
  }
}

/**
 * Walks the order: each step is planned again from fresh facts, compared with the approved plan, done and verified. Never rejects.
 * After a failure no new node starts; running actions finish, and only the failed node's action is undone.
 */
export function runOrder<Run extends Refreshed>(options: RunOrderOptions<Run>): Promise<RunOutcome> {
  const { context, started } = options
  const { cluster, fencingToken } = context
  const start = (steps: readonly PlannedStep[]): RunEvent => ({
    kind: 'run-started',
    cluster,
    fencingToken,
    ...started,
    steps,
  })
  return walkOrder(options, foldRun([]), start)
}

/**
 * Resumes a run that an earlier process left: finishes every action that was started, then walks the order as usual. What was verified is
 * not done again unless its step or the accepted plan requires it.
 */
export function resumeOrder<Run extends Refreshed>(options: ResumeOrderOptions<Run>): Promise<RunOutcome> {
  const { context, resumed, state } = options
  const { fencingToken } = context
  return walkOrder(options, state, (steps) => ({ kind: 'run-resumed', fencingToken, ...resumed, steps }))
}

async function walkOrder<Run extends Refreshed>(
  options: WalkOptions<Run>,
  state: RunState,
  begin: (steps: readonly PlannedStep[]) => RunEvent,
): Promise<RunOutcome> {
  const { order } = options
  const touched = new Set<string>()
  const emit = (event: RunEvent): Promise<void> => {
    if (event.kind === 'operation-sent') touched.add(event.node)
    return options.emit(event)
  }
  const record = new RunRecord(state, emit)
  const walk = new Walk(options, record, touched)
  let outcome: RunOutcome
  try {
    await record.emit(begin(order.map(({ id, title }) => ({ id, title, actions: walk.approvedActions(id) }))))
    await record.noteMissing(options.absence ?? nobodyMissing)
    for (const step of order) await walk.finishBegun(step)
    for (const step of order) {
      await walk.settle(step.id)
      await walk.step(step)
    }
    await walk.settle()
    await record.noteBack(options.absence ?? nobodyMissing)
    outcome = { outcome: 'done', needsPerson: false }
  } catch (error) {
    outcome = outcomeOf(await walk.afterFailure(error), options.context)
  }
  const { error } = outcome
  if (error?.code === 'FENCED') return outcome // the present holder of the cluster writes its end
  // The journal itself may have failed; then the missing end is the record.
  await record
    .emit({ kind: 'run-ended', outcome: outcome.outcome, ...(error === undefined ? {} : { error }) })
    .catch(() => undefined)
  return outcome
}

/** A gate that is watched while later steps run. */
interface Settling {
  readonly step: string
  readonly before: string | undefined
  readonly verified: Promise<void>
}

class Walk<Run extends Refreshed> {
  readonly #options: WalkOptions<Run>
  readonly #record: RunRecord
  /** The steps as an earlier process left them. */
  readonly #before: readonly StepRecord[]
  readonly #ours = new AbortController()
  /** Nodes that operations were sent to since facts were read for the step before. */
  readonly #touched: Set<string>
  #settling: Settling[] = []
  #backgroundFailed = false

  constructor(options: WalkOptions<Run>, record: RunRecord, touched: Set<string>) {
    this.#options = options
    this.#record = record
    this.#touched = touched
    this.#before = record.state.steps
    setMaxListeners(0, this.#ours.signal) // every gate of a run listens; that is no leak
  }

  approvedActions(step: string): readonly Action[] {
    return this.#options.approved.find(({ id }) => id === step)?.actions ?? []
  }

  /** Waits for the gates that must hold before the step `next`; for all of them when there is no next. */
  async settle(next?: string): Promise<void> {
    const due = this.#settling.filter(({ before }) => next === undefined || before === next)
    this.#settling = this.#settling.filter((one) => !due.includes(one))
    for (const { verified } of due) await verified
  }

  /** Finishes what an earlier process started in a step, one action after the other. */
  async finishBegun(step: Step<Run>): Promise<void> {
    const before = this.#before.find(({ id }) => id === step.id)
    const { absence = nobodyMissing } = this.#options
    for (const { action } of before?.actions.filter(isOpen) ?? []) {
      if (isMissing(absence, action.node)) continue
      await this.#requireGoingOn(step.title)
      this.#options.run.refresh()
      await continueAction(this.#task(step, action))
    }
  }

  async step(step: Step<Run>): Promise<void> {
    const { run } = this.#options
    await this.#requireGoingOn(step.title)
    run.refresh(this.#touched)
    this.#touched.clear()
    const actions = await this.#plan(step)
    if (actions.length === 0) return this.#nothingToDo(step)
    const proofs = await this.#proveBefore(step)
    await this.#record.emit({ kind: 'step-started', step: step.id, title: step.title, actions, ...proofs })
    const gates = await this.#walkActions(step, actions)
    const verified = Promise.all(gates.map((gate) => gate())).then(() =>
      this.#record.emit({ kind: 'step-done', step: step.id }),
    )
    if (step.settleBefore === undefined) return verified
    verified.catch(() => {
      this.#backgroundFailed = true
    })
    this.#settling.push({ step: step.id, before: step.settleBefore, verified })
  }

  /** A node that goes missing meanwhile is no longer queried. */
  async #proveBefore(step: Step<Run>): Promise<{ proofs?: readonly Evidence[] }> {
    const { absence = nobodyMissing, clock = systemClock, run } = this.#options
    if (step.before === undefined) return {}
    const evidence = await withoutMissing(absence, async (signal) => (await step.before?.(run, signal)) ?? [])
    await this.#record.noteMissing(absence)
    return { proofs: seenAt(clock.now(), evidence) }
  }

  /** What is to be done now, compared with what was approved; in a resumed run without what it verified and keeps. */
  async #plan(step: Step<Run>): Promise<readonly Action[]> {
    const { absence = nobodyMissing, run } = this.#options
    const planned = await withoutMissing(absence, () => step.plan(run))
    await this.#record.noteMissing(absence)
    const verified = (action: Action) => this.#record.action(step.id, action.id)?.state === 'verified'
    const actions = planned.filter((action) => step.onResume !== 'kept' || !verified(action))
    const again = step.onResume === 'renewed' ? actions.filter(verified) : []
    for (const action of actions) if (!again.includes(action)) this.#requireApproved(step.id, action)
    return actions
  }

  /** Approved by the plan of the resumed run, or by the original one, which names what was undone since. */
  #requireApproved(step: string, action: Action): void {
    const before = this.#before.find(({ id }) => id === step)?.actions.map((one) => one.action) ?? []
    try {
      requireApproved(step, this.approvedActions(step), [action])
    } catch (error) {
      if (!before.some(({ id }) => id === action.id)) throw error
      requireApproved(step, before, [action], saysTheSame)
    }
  }

  async #nothingToDo({ id, title }: Step<Run>): Promise<void> {
    const state = this.#record.state.steps.find((step) => step.id === id)?.state
    if (state === 'waiting') return this.#record.emit({ kind: 'step-skipped', step: id, title })
    // The earlier process died after all was done and before it recorded that.
    if (state === 'running' || state === 'failed') return this.#record.emit({ kind: 'step-done', step: id })
  }

  #task(step: Step<Run>, action: Action): Task<Run> {
    const { run, context, judge, absence, clock } = this.#options
    return { step, action, run, context, judge, absence, clock, record: this.#record, ours: this.#ours.signal }
  }

  /** Runs every action; returns the gates to be watched later. */
  async #walkActions(step: Step<Run>, actions: readonly Action[]): Promise<(() => Promise<void>)[]> {
    const { run, stop } = this.#options
    const later: (() => Promise<void>)[] = []
    const { failures, left } = await eachNode(
      actions,
      {
        width: await widthOf(step, run),
        canary: step.canary?.(run) ?? 0,
        maxFailed: step.maxFailed?.(run) ?? 0,
        mayStart: () => !stop.aborted && !this.#backgroundFailed,
      },
      async (action) => {
        const task = this.#task(step, action)
        const applied = await applyAction(task)
        if (applied === undefined) return
        if (step.settleBefore === undefined) await verifyAction(task, applied)
        else later.push(() => verifyAction(task, applied))
      },
    )
    if (failures.length > 0) {
      await Promise.allSettled(later.map((gate) => gate()))
      throw combined(failures, actions.length)
    }
    if (left > 0) await this.#requireGoingOn(`${step.title}: ${left} of ${actions.length} actions were not started`)
    return later
  }

  async #requireGoingOn(before: string): Promise<void> {
    if (this.#backgroundFailed) await this.settle()
    const { stop, context } = this.#options
    if (!stop.aborted) return
    // A stop with its own reason uses that.
    if (stop.reason instanceof QuorateError) throw stop.reason
    throw new QuorateError('INTERRUPTED', `stopped before: ${before}`, { where: context.cluster })
  }

  /** Waits for the gates that are still watched, and prefers a real failure to an interruption. */
  async afterFailure(error: unknown): Promise<unknown> {
    const fenced = fencedBy(error)
    if (fenced !== undefined) this.#ours.abort(fenced)
    const results = await Promise.allSettled(this.#settling.map(({ verified }) => verified))
    const second = results.find((result) => result.status === 'rejected')
    const stopped =
      error instanceof QuorateError && (error.code === 'INTERRUPTED' || error === this.#options.stop.reason)
    return stopped && second !== undefined ? second.reason : error
  }
}

/** FENCED, where that is the cause: nothing is waited for any more. */
function fencedBy(error: unknown): QuorateError | undefined {
  const { code, message } = error instanceof ActionFailed ? error.error : asQuorateError(error)
  return code === 'FENCED' ? new QuorateError('FENCED', message) : undefined
}

// A single failure is reported as it is; of several each is in the journal, and the summary lists them.
function combined(failures: readonly unknown[], total: number): unknown {
  const failed = failures.filter((failure) => failure instanceof ActionFailed)
  const [first] = failed
  if (failures.length === 1 || first === undefined || failed.length < failures.length)
    return failures.find((failure) => !(failure instanceof ActionFailed)) ?? first
  const nodes = failed.map(({ error }) => `${error.where}: ${error.message}`).join('; ')
  const error = { ...first.error, message: `${failed.length} of ${total} actions failed. ${nodes}` }
  return new ActionFailed(
    error,
    failed.some(({ needsPerson }) => needsPerson),
  )
}

/** An error as the end of a run. */
export function outcomeOf(thrown: unknown, context: RunContext): RunOutcome {
  if (thrown instanceof ActionFailed) return { outcome: 'failed', needsPerson: thrown.needsPerson, error: thrown.error }
  const error = asQuorateError(thrown)
  const kept = runError(error, '', context)
  if (error.code === 'INTERRUPTED') return { outcome: 'interrupted', needsPerson: false, error: kept }
  return { outcome: 'failed', needsPerson: catalogue[error.code].exit === 'needsPerson', error: kept }
}
