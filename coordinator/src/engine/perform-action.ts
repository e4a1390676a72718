import { setMaxListeners } from 'node:events'
import { asQuorateError, catalogue, type QuorateError } from '@quorate/shared/errors'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { ChangeCall } from '../fleet/agent.js'
import type { RunError, RunEvent } from './events.js'
import { operationIdOf } from './operation-id.js'
import type { Action, Step } from './step.js'

/** What every operation of a run carries. */
export interface RunContext {
  readonly runId: string
  readonly cluster: string
  readonly fencingToken: number
}

/** One action of one step on its way. */
export interface Task<Run> {
  readonly step: Step<Run>
  readonly action: Action
  readonly run: Run
  readonly context: RunContext
  /** Resolves when the event is recorded. */
  emit(event: RunEvent): Promise<void>
}

/** An action that did not succeed: the error that a person reads, and whether the cluster needs that person now. */
export class ActionFailed extends Error {
  readonly error: RunError
  readonly needsPerson: boolean
  constructor(error: RunError, needsPerson: boolean) {
    super(error.message)
    this.error = error
    this.needsPerson = needsPerson
  }
}

interface Applied {
  readonly results: { node: string; label: string; result: OperationResult }[]
  /** Operations that were sent, whether or not they came to an end. */
  sent: number
}

/** Does it: intent on the disk first, then the operations. What went wrong is undone on this node alone. */
export async function applyAction<Run>(task: Task<Run>): Promise<Applied> {
  const { step, action, run } = task
  const applied: Applied = { results: [], sent: 0 }
  await task.emit({ kind: 'action-started', step: step.id, action })
  try {
    await step.apply(run, action, changeCall(task, applied, ''))
  } catch (error) {
    throw await fail(task, applied, { error, stage: 'apply' })
  }
  return applied
}

/** Its gate: watches until it holds, keeps what was seen. */
export async function verifyAction<Run>(task: Task<Run>, applied: Applied): Promise<void> {
  const { step, action, run } = task
  try {
    const evidence = await step.verify(run, action, neverAborted())
    await task.emit({ kind: 'action-verified', step: step.id, action: action.id, node: action.node, evidence })
  } catch (error) {
    throw await fail(task, applied, { error, stage: 'verify' })
  }
}

function changeCall<Run>(
  { step, action, context, emit }: Task<Run>,
  applied: Applied,
  prefix: '' | 'undo-',
): ChangeCall {
  const place = { step: step.id, action: action.id }
  // A journal that cannot be written rejects the next event that is waited for; these two need no waiting.
  const note = (event: RunEvent) => void emit(event).catch(() => undefined)
  return {
    header(label, node = action.node) {
      const operationId = operationIdOf({ run: context.runId, ...place, node, label: prefix + label })
      applied.sent += 1
      note({ kind: 'operation-sent', ...place, node, operationId, label: prefix + label })
      return { operationId, runId: context.runId, cluster: context.cluster, fencingToken: context.fencingToken }
    },
    progress: (message) => note({ kind: 'progress', ...place, node: action.node, message }),
    async done(node, label, result) {
      if (prefix === '') applied.results.push({ node, label, result })
      await emit({ kind: 'operation-done', ...place, node, label: prefix + label, result })
    },
    signal: neverAborted(),
  }
}

async function fail<Run>(
  task: Task<Run>,
  applied: Applied,
  why: { error: unknown; stage: 'apply' | 'verify' },
): Promise<ActionFailed> {
  const { step, action } = task
  const place = { step: step.id, action: action.id, node: action.node }
  const cause = asQuorateError(why.error, action.node)
  const error = runError(cause, action.node)
  await task.emit({ kind: 'action-failed', ...place, error })
  const undo = isUnknown(cause, why.stage) || applied.sent === 0 ? undefined : step.rollback
  let needsPerson = catalogue[cause.code].exit === 'needsPerson'
  if (typeof undo === 'function') {
    try {
      await undo(task.run, { action, results: applied.results }, changeCall(task, applied, 'undo-'))
      await task.emit({ kind: 'action-undone', ...place })
    } catch (thrown) {
      const second = asQuorateError(thrown, action.node)
      needsPerson ||= catalogue[second.code].exit === 'needsPerson'
      await task.emit({ kind: 'undo-failed', ...place, error: runError(second, action.node) })
    }
  }
  return new ActionFailed(error, needsPerson)
}

// Undoing what may still be under way would race with it: the node first has to say what became of it.
function isUnknown(error: QuorateError, stage: 'apply' | 'verify'): boolean {
  return error.code === 'OPERATION_UNKNOWN_OUTCOME' || (stage === 'apply' && error.code === 'AGENT_UNREACHABLE')
}

// A thousand nodes may be asked under one signal; that is no leak.
function neverAborted(): AbortSignal {
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  return signal
}

/** An error as the journal keeps it. */
export function runError(error: QuorateError, where = ''): RunError {
  return { code: error.code, message: error.message, where: error.where ?? where, remedy: error.remedy }
}
