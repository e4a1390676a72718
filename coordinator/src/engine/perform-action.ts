import { setMaxListeners } from 'node:events'
import { type Clock, systemClock } from '@quorate/shared/clock'
import { asQuorateError, catalogue, QuorateError } from '@quorate/shared/errors'
import { type Absence, isMissing, nobodyMissing, withoutMissing } from './absence.js'
import type { RunError } from './events.js'
import { isOpen } from './fold.js'
import { type Judge, operationsOf, type RunContext } from './operations.js'
import { runError } from './run-error.js'
import type { RunRecord } from './run-record.js'
import { neverAborted } from './signals.js'
import { type Action, type Evidence, type Step, seenAt } from './step.js'

/** One action of one step in progress. */
export interface Task<Run> {
  readonly step: Step<Run>
  readonly action: Action
  readonly run: Run
  readonly context: RunContext
  readonly record: RunRecord
  readonly judge?: Judge<Run> | undefined
  /** Unset: no node may be missing. */
  readonly absence?: Absence | undefined
  readonly clock?: Clock | undefined
  /** Aborted when another coordinator holds the cluster: the gates are its task then. */
  readonly ours?: AbortSignal | undefined
}

/** An action that did not succeed: the error for the operator, and whether the cluster needs the operator now. */
export class ActionFailed extends Error {
  readonly error: RunError
  readonly needsPerson: boolean
  constructor(error: RunError, needsPerson: boolean) {
    super(error.message)
    this.error = error
    this.needsPerson = needsPerson
  }
}

const placeOf = <Run>({ step, action }: Task<Run>) => ({ step: step.id, action: action.id, node: action.node })
const partsOf = <Run>(task: Task<Run>) => ({ ...task, step: task.step.id })

/** What `apply` passes to the gate of the same action. */
export interface Applied {
  readonly note: unknown
}

/** Runs the action: writes the intent to disk, then sends the operations. A failure is undone on this node only. Undefined: it waits for its node. */
export async function applyAction<Run>(task: Task<Run>): Promise<Applied | undefined> {
  await task.record.emit({ kind: 'action-started', step: task.step.id, action: task.action })
  return apply(task)
}

async function apply<Run>(task: Task<Run>): Promise<Applied | undefined> {
  try {
    return { note: await task.step.apply(task.run, task.action, operationsOf(partsOf(task), 'apply')) }
  } catch (error) {
    if (await waits(task, error)) return undefined
    throw await fail(task, { error, stage: 'apply' })
  }
}

function eitherOf(...signals: AbortSignal[]): AbortSignal {
  const either = AbortSignal.any(signals)
  setMaxListeners(0, either) // a gate's calls to many nodes listen to it; that is no leak
  return either
}

/** Its gate: waits until it holds and records the evidence. A node that goes missing meanwhile is no longer queried. */
export async function verifyAction<Run>(task: Task<Run>, { note }: Applied): Promise<void> {
  const { absence = nobodyMissing, action, record, run, step } = task
  try {
    const evidence = await withoutMissing(absence, (signal) => {
      requirePresent(absence, action.node)
      return step.verify(run, action, task.ours === undefined ? signal : eitherOf(signal, task.ours), note)
    })
    await record.noteMissing(absence)
    const at = (task.clock ?? systemClock).now()
    await record.emit({ kind: 'action-verified', ...placeOf(task), evidence: seenAt(at, evidence) })
  } catch (error) {
    if (await waits(task, error)) return
    throw await fail(task, { error, stage: 'verify' })
  }
}

/** Whether an action failed only because its node is missing: then it is done when the node is back. */
async function waits<Run>(task: Task<Run>, thrown: unknown): Promise<boolean> {
  const { absence = nobodyMissing, action, record, context } = task
  if (!isMissing(absence, action.node)) return false
  const error = runError(asQuorateError(thrown, action.node), action.node, context)
  await record.emit({ kind: 'action-pending', ...placeOf(task), error })
  await record.noteMissing(absence)
  return true
}

function requirePresent(absence: Absence, node: string): void {
  const missing = absence.missing().find((one) => one.node === node)
  if (missing !== undefined) throw new QuorateError('AGENT_UNREACHABLE', missing.message, { where: node })
}

/**
 * Finishes an action that an earlier process started: queries the outcome of what it sent, sends what never arrived, waits for its gate; an undo
 * that was started is finished. Where that fails it is undone as in any run. True when it is verified.
 */
export async function continueAction<Run>(task: Task<Run>): Promise<boolean> {
  const { record, step, action } = task
  const before = record.action(step.id, action.id)?.state
  if (before === 'undoing' || before === 'undo-failed') {
    await undoAction(task)
    return false
  }
  await record.emit({ kind: 'action-continued', ...placeOf(task) })
  try {
    const applied = await apply(task)
    if (applied === undefined) return false
    await verifyAction(task, applied)
    return record.action(step.id, action.id)?.state === 'verified'
  } catch (error) {
    const now = record.action(step.id, action.id)
    const isOver = error instanceof ActionFailed && !error.needsPerson && now !== undefined && !isOpen(now)
    if (!isOver || error.error.code === 'FENCED') throw error
    return false
  }
}

/** Undoes what an action did and verifies it; ActionFailed where that is not possible. */
export async function undoAction<Run>(
  task: Task<Run>,
  gate: (signal: AbortSignal) => Promise<readonly Evidence[]> = async () => [],
): Promise<void> {
  const { step, action, run, record } = task
  const place = placeOf(task)
  if (typeof step.rollback !== 'function') return
  const done = record.done(step.id, action)
  await record.emit({ kind: 'undo-started', ...place })
  try {
    await step.rollback(run, done, operationsOf(partsOf(task), 'undo'))
    const { absence = nobodyMissing } = task
    const seen = await withoutMissing(absence, async (signal) => (await step.undone?.(run, done, signal)) ?? [])
    await record.emit({ kind: 'action-undone', ...place, evidence: [...(await gate(neverAborted())), ...seen] })
  } catch (thrown) {
    const cause = asQuorateError(thrown, action.node)
    const error = runError(cause, action.node, task.context)
    if (cause.code !== 'FENCED') await record.emit({ kind: 'undo-failed', ...place, error })
    throw new ActionFailed(error, catalogue[cause.code].exit === 'needsPerson')
  }
}

async function fail<Run>(task: Task<Run>, why: { error: unknown; stage: 'apply' | 'verify' }): Promise<ActionFailed> {
  const { step, action, record } = task
  const cause = asQuorateError(why.error, action.node)
  const error = runError(cause, action.node, task.context)
  // The present holder of the cluster continues from its own journal: this process must neither write nor undo anything.
  if (cause.code === 'FENCED') return new ActionFailed(error, false)
  await record.emit({ kind: 'action-failed', ...placeOf(task), error })
  let needsPerson = catalogue[cause.code].exit === 'needsPerson'
  const sent = record.action(step.id, action.id)?.sent.some(({ over }) => !over) ?? false
  if (sent && !isLeft(cause, why.stage)) {
    await undoAction(task).catch((thrown: unknown) => {
      if (!(thrown instanceof ActionFailed)) throw thrown
      needsPerson ||= thrown.needsPerson
    })
  }
  return new ActionFailed(error, needsPerson)
}

// Undoing an operation that may still run would race with it: the node has to report its outcome first.
function isLeft({ code }: QuorateError, stage: 'apply' | 'verify'): boolean {
  if ('undo' in catalogue[code]) return true
  return stage === 'apply' && (code === 'AGENT_UNREACHABLE' || code === 'AGENT_ANSWER_REFUSED')
}
