import type { SignedApproval } from '@quorate/shared/approval'
import { type Clock, systemClock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { Agent } from '../fleet/agent.js'
import type { Absence } from './absence.js'
import { eachNode } from './each-node.js'
import type { RunEvent } from './events.js'
import { type ActionRecord, type OperationRecord, type RunState, type SentOperation, unended } from './fold.js'
import { fromDetail, type Judge, type RunContext, untilEnded } from './operations.js'
import { ActionFailed, type Task, undoAction } from './perform-action.js'
import { runError } from './run-error.js'
import { outcomeOf, type Refreshed, type RunOutcome } from './run-order.js'
import { RunRecord } from './run-record.js'
import { type Action, type DoneAction, type Evidence, type Step, widthOf } from './step.js'

export interface RollbackOptions<Run extends Refreshed> {
  readonly order: readonly Step<Run>[]
  readonly run: Run
  readonly context: RunContext
  /** What the journal holds. */
  readonly state: RunState
  readonly started: {
    readonly version: string
    readonly keepEndpoint: boolean
    readonly startedBy?: string
    readonly approvals?: readonly SignedApproval[]
  }
  /** Which steps are undone; the others stay. */
  undoes(step: string): boolean
  agent(run: Run, node: string): Agent
  /** What an operation with an unknown outcome left behind: it has to be known before it is undone. */
  traces(run: Run, action: Action, sent: SentOperation): Promise<OperationResult>
  /** Verifies that all that an action touched is as before; throws what is not. `undone`: results of the operations that undid it. */
  asBefore(
    run: Run,
    step: string,
    touched: { done: DoneAction; undone: readonly OperationRecord[] },
  ): Promise<readonly Evidence[]>
  readonly judge?: Judge<Run>
  /** Nodes that may be missing, and those that are; unset: none. */
  readonly absence?: Absence
  emit(event: RunEvent): Promise<void>
  /** Aborted: nothing further is undone; running undos finish. */
  readonly stop: AbortSignal
  readonly clock?: Clock
}

/** Whether an action left something to undo: it was started and not undone. One that waits for its node may never have been started. */
export const isToUndo = ({ state, sent }: ActionRecord): boolean =>
  state !== 'planned' && state !== 'undone' && !(state === 'pending' && sent.length === 0)

/**
 * Undoes a run: the steps in reverse order, each action by its step's rollback, each undo with its own operations in the same journal.
 * Operations that still run on a node finish first. Never rejects; a second call continues where the first one stopped.
 */
export async function rollbackOrder<Run extends Refreshed>(options: RollbackOptions<Run>): Promise<RunOutcome> {
  const record = new RunRecord(options.state, options.emit)
  const back = new WayBack(options, record)
  let outcome: RunOutcome
  try {
    const { context, started } = options
    await record.emit({ kind: 'rollback-started', fencingToken: context.fencingToken, ...started })
    for (const step of options.order.toReversed()) await back.settle(step)
    for (const step of options.order.toReversed()) if (options.undoes(step.id)) await back.step(step)
    outcome = { outcome: 'done', needsPerson: false }
  } catch (error) {
    outcome = outcomeOf(error, options.context)
  }
  const { error } = outcome
  if (error?.code === 'FENCED') return outcome
  await record
    .emit({ kind: 'run-rolled-back', outcome: outcome.outcome, ...(error === undefined ? {} : { error }) })
    .catch(() => undefined)
  return outcome
}

class WayBack<Run extends Refreshed> {
  readonly #options: RollbackOptions<Run>
  readonly #record: RunRecord

  constructor(options: RollbackOptions<Run>, record: RunRecord) {
    this.#options = options
    this.#record = record
  }

  /** Records the outcome of operations in progress: what they touched has to be known before it is undone. */
  async settle(step: Step<Run>): Promise<void> {
    for (const record of this.#actions(step)) {
      if (record.state === 'undoing') continue // those of its undo are queried when it continues
      for (const sent of unended(record)) await this.#settleOne(step.id, record.action, sent)
    }
  }

  async #settleOne(step: string, action: Action, sent: SentOperation): Promise<void> {
    const { agent, run, traces, clock = systemClock } = this.#options
    const { operationId, node, label, method } = sent
    const place = { step, action: action.id, node }
    const onRunning = () =>
      this.#record.note({ kind: 'progress', ...place, message: `${method} is still running: waiting for it to finish` })
    const told = await untilEnded(agent(run, node), operationId, { clock, onRunning })
    const ended = { ...place, label, operationId }
    if (told.state === 'failed')
      await this.#record.emit({
        kind: 'operation-failed',
        ...ended,
        error: runError(fromDetail(told.error, node), '', this.#options.context),
      })
    const result = told.state === 'interrupted' ? await traces(run, action, sent) : told.result
    if (result !== undefined) await this.#record.emit({ kind: 'operation-done', ...ended, result })
  }

  async step(step: Step<Run>): Promise<void> {
    const { run, stop } = this.#options
    const records = this.#actions(step).filter(isToUndo).toReversed()
    if (typeof step.rollback !== 'function' || records.length === 0) return
    run.refresh()
    const width = await widthOf(step, run)
    const { failures, left } = await eachNode(
      records,
      { width, canary: 0, maxFailed: 0, mayStart: () => !stop.aborted },
      ({ action }) => this.#undo(step, action),
    )
    const worst = failures.find((failure) => failure instanceof ActionFailed && failure.needsPerson) ?? failures[0]
    if (worst !== undefined) throw worst
    if (left > 0 || stop.aborted) {
      throw new QuorateError('INTERRUPTED', `stopped during the rollback, at: ${step.title}`, {
        where: this.#options.context.cluster,
        remedy: `Stopped at a safe place. To continue: quorate rollback ${this.#options.context.runId}`,
      })
    }
  }

  async #undo(step: Step<Run>, action: ActionRecord['action']): Promise<void> {
    const { run, context, judge, absence, clock, asBefore } = this.#options
    const task: Task<Run> = { step, action, run, context, judge, absence, clock, record: this.#record }
    const done = this.#record.done(step.id, action)
    await undoAction(task, async () => {
      const operations = this.#record.action(step.id, action.id)?.operations ?? []
      const undone = operations.filter((one) => one.undo && !one.undone)
      return asBefore(run, step.id, { done, undone })
    })
  }

  #actions(step: Step<Run>): readonly ActionRecord[] {
    return this.#record.state.steps.find(({ id }) => id === step.id)?.actions ?? []
  }
}
