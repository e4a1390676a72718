import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { RecordedEvent, RunError, RunEvent } from './events.js'
import type { Action, Evidence } from './step.js'

export type ActionState = 'planned' | 'running' | 'verified' | 'failed' | 'undone' | 'undo-failed'
export type StepState = 'waiting' | 'running' | 'skipped' | 'done' | 'failed'

export interface OperationRecord {
  readonly node: string
  readonly label: string
  readonly result: OperationResult
}

export interface ActionRecord {
  readonly action: Action
  readonly state: ActionState
  /** Unix milliseconds. */
  readonly startedAt?: number
  readonly endedAt?: number
  /** The last line that the node sent. */
  readonly progress?: string
  readonly operations: readonly OperationRecord[]
  readonly evidence: readonly Evidence[]
  readonly error?: RunError
  readonly undoError?: RunError
}

export interface StepRecord {
  readonly id: string
  readonly title: string
  readonly state: StepState
  readonly startedAt?: number
  readonly endedAt?: number
  readonly actions: readonly ActionRecord[]
}

/** A run as its events tell it. */
export interface RunState {
  readonly id: string
  readonly cluster: string
  readonly planHash: string
  readonly version: string
  readonly clusterFile: string
  readonly fencingToken: number
  readonly startedAt: number
  readonly endedAt?: number
  /** `abandoned`: no end was written and nobody goes on with it (its coordinator died). */
  readonly outcome: 'running' | 'done' | 'failed' | 'interrupted' | 'abandoned'
  readonly error?: RunError
  readonly ignored: Readonly<Record<string, string>>
  readonly steps: readonly StepRecord[]
  /** Number of the last event. */
  readonly seq: number
}

const nothingYet: RunState = {
  id: '',
  cluster: '',
  planHash: '',
  version: '',
  clusterFile: '',
  fencingToken: 0,
  startedAt: 0,
  outcome: 'running',
  ignored: {},
  steps: [],
  seq: 0,
}

/** State is a fold over the journal: there is no second source of truth. */
export const foldRun = (events: readonly RecordedEvent[]): RunState => events.reduce(applyEvent, nothingYet)

/** The state after one more event. */
export function applyEvent(state: RunState, recorded: RecordedEvent): RunState {
  const { at, run, seq, event } = recorded
  const next = { ...state, id: run, seq }
  switch (event.kind) {
    case 'run-started': {
      const { cluster, planHash, version, clusterFile, fencingToken, ignored } = event
      const steps = event.steps.map(({ id, title, actions }) => ({
        id,
        title,
        state: 'waiting' as const,
        actions: actions.map(planned),
      }))
      return { ...next, cluster, planHash, version, clusterFile, fencingToken, ignored, startedAt: at, steps }
    }
    case 'run-ended':
      return {
        ...next,
        outcome: event.outcome,
        endedAt: at,
        ...(event.error === undefined ? {} : { error: event.error }),
      }
    default:
      return {
        ...next,
        steps: state.steps.map((step) => (step.id === event.step ? applyToStep(step, at, event) : step)),
      }
  }
}

const planned = (action: Action): ActionRecord => ({ action, state: 'planned', operations: [], evidence: [] })

type StepEvent = Exclude<RunEvent, { kind: 'run-started' | 'run-ended' }>
type ActionEvent = Exclude<StepEvent, { kind: 'step-started' | 'step-skipped' | 'step-done' }>

function applyToStep(step: StepRecord, at: number, event: StepEvent): StepRecord {
  switch (event.kind) {
    case 'step-started':
      return { ...step, state: 'running', startedAt: at, actions: event.actions.map(planned) }
    case 'step-skipped':
      return { ...step, state: 'skipped', startedAt: at, endedAt: at, actions: [] }
    case 'step-done':
      return { ...step, state: 'done', endedAt: at }
    default: {
      const id = event.kind === 'action-started' ? event.action.id : event.action
      const actions = step.actions.map((record) =>
        record.action.id === id ? applyToAction(record, at, event) : record,
      )
      return event.kind === 'action-failed' ? { ...step, state: 'failed', endedAt: at, actions } : { ...step, actions }
    }
  }
}

function applyToAction(record: ActionRecord, at: number, event: ActionEvent): ActionRecord {
  switch (event.kind) {
    case 'action-started':
      return { ...record, state: 'running', startedAt: at }
    case 'operation-sent':
      return record
    case 'progress':
      return { ...record, progress: event.message }
    case 'operation-done':
      return {
        ...record,
        operations: [...record.operations, { node: event.node, label: event.label, result: event.result }],
      }
    case 'action-verified':
      return { ...record, state: 'verified', endedAt: at, evidence: event.evidence }
    case 'action-failed':
      return { ...record, state: 'failed', endedAt: at, error: event.error }
    case 'action-undone':
      return { ...record, state: 'undone', endedAt: at }
    case 'undo-failed':
      return { ...record, state: 'undo-failed', endedAt: at, undoError: event.error }
  }
}
