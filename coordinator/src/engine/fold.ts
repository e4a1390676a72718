import type { SignedApproval } from '@quorate/shared/approval'
import { catalogue, isErrorCode } from '@quorate/shared/errors'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { MissingNode } from './absence.js'
import { type Attempt, attemptsAfter } from './attempts.js'
import type { AvailabilityRecord, RecordedEvent, RunError, RunEvent } from './events.js'
import type { RecordedFinding } from './recorded-finding.js'
import type { Snapshot } from './snapshot.js'
import type { Action, DoneAction, Evidence } from './step.js'

export type ActionState =
  | 'planned'
  | 'running'
  | 'pending'
  | 'verified'
  | 'failed'
  | 'undoing'
  | 'undone'
  | 'undo-failed'
export type StepState = 'waiting' | 'running' | 'skipped' | 'done' | 'failed' | 'undone'
export type Outcome = 'running' | 'done' | 'failed' | 'interrupted' | 'abandoned' | 'rolled-back' | 'damaged'

const unfinished: ReadonlySet<Outcome> = new Set(['running', 'failed', 'interrupted', 'abandoned'])
/** Neither done nor undone: it may go on, and needs the agents and what they keep. */
export const isUnfinished = (outcome: Outcome): boolean => unfinished.has(outcome)

export interface OperationRecord {
  readonly node: string
  readonly label: string
  readonly result: OperationResult
  /** It undid what others did. */
  readonly undo: boolean
  /** What it did was undone since. */
  readonly undone: boolean
}

/** An operation whose intent is in the journal. */
export interface SentOperation {
  readonly operationId: string
  readonly node: string
  readonly label: string
  readonly method: string
  readonly attempt: number
  /** `sent`: no end of it is in the journal. */
  readonly state: 'sent' | 'done' | 'failed'
  readonly result?: OperationResult
  readonly error?: RunError
  /** It belongs to an attempt that is over: its outcome is not queried any more. */
  readonly over: boolean
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
  readonly sent: readonly SentOperation[]
  readonly evidence: readonly Evidence[]
  /** What was seen after it was undone. */
  readonly undoEvidence?: readonly Evidence[]
  readonly error?: RunError
  readonly undoError?: RunError
}

export interface StepRecord {
  readonly id: string
  readonly title: string
  readonly state: StepState
  readonly startedAt?: number
  readonly endedAt?: number
  /** Its preconditions, as verified just before its first action. */
  readonly proofs?: readonly Evidence[]
  readonly actions: readonly ActionRecord[]
}

/** A node that the run continued without; its actions wait until it is back. */
export interface WaitingNode extends MissingNode {
  /** Unix milliseconds. */
  readonly since: number
  /** Its planned actions that are not done; empty where it was missing before the plan. */
  readonly waits: readonly { readonly step: string; readonly does: string }[]
}

/** A run, as a fold over its events. */
export interface RunState {
  readonly id: string
  readonly cluster: string
  readonly planHash: string
  readonly version: string
  readonly clusterFile: string
  readonly fencingToken: number
  /** Set where the order is not the usual one. */
  readonly purpose?: string
  readonly startedAt: number
  readonly endedAt?: number
  /** `abandoned`: no end was written and no process continues it (its coordinator died). `damaged`: its journal cannot be read. */
  readonly outcome: Outcome
  readonly error?: RunError
  readonly ignored: Readonly<Record<string, string>>
  /** What the checks found before it. */
  readonly findings: readonly RecordedFinding[]
  /** The cluster before the first change, and at the last end. */
  readonly seen: { readonly before?: Snapshot; readonly after?: Snapshot }
  readonly steps: readonly StepRecord[]
  /** Nodes that it continued without. */
  readonly missing: readonly WaitingNode[]
  /** The probes of the API servers while it ran, step by step. */
  readonly availability: readonly AvailabilityRecord[]
  /** How often another process resumed it. */
  readonly resumed: number
  /** The work of each process on it, including rollbacks; between two the run was idle. */
  readonly attempts: readonly Attempt[]
  /** Set when a rollback was started. */
  readonly rollback?: { readonly startedAt: number; readonly keepEndpoint: boolean }
  /** Of the plan that it was started with; a resume plans again. */
  readonly startedHash: string
  readonly startedBy?: string
  /** Approvals of its plan and of its rollback, each used up by it. */
  readonly approvals: readonly SignedApproval[]
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
  findings: [],
  seen: {},
  steps: [],
  missing: [],
  availability: [],
  resumed: 0,
  attempts: [],
  startedHash: '',
  approvals: [],
  seq: 0,
}

/** State is a fold over the journal: there is no second source of truth. */
export const foldRun = (events: readonly RecordedEvent[]): RunState => events.reduce(applyEvent, nothingYet)

/** The state after one more event. */
export function applyEvent(state: RunState, recorded: RecordedEvent): RunState {
  const { at, run, seq, event } = recorded
  const next = { ...state, id: run, seq, attempts: attemptsAfter(state.attempts, recorded) }
  switch (event.kind) {
    case 'run-started':
      return withStart(next, event, at)
    case 'run-resumed':
      return withResume(next, event)
    case 'rollback-started':
      return withRollback(next, event, at)
    case 'node-missing': {
      const { node, message } = event
      return { ...next, missing: [...state.missing, { node, message, since: at, waits: waitsFor(state, node) }] }
    }
    case 'node-back':
      return { ...next, missing: state.missing.filter(({ node }) => node !== event.node) }
    case 'availability': {
      const { kind: _, ...seen } = event
      return { ...next, availability: [...state.availability, seen] }
    }
    case 'cluster-seen':
      return { ...next, seen: { ...state.seen, ...pictured(event) } }
    case 'run-ended':
      return withEnd(next, { at, outcome: event.outcome, error: event.error })
    case 'run-rolled-back':
      return event.outcome === 'done'
        ? withEnd({ ...next, missing: [] }, { at, outcome: 'rolled-back', error: event.error })
        : withEnd(next, { at, outcome: event.outcome, error: event.error })
    default:
      return {
        ...next,
        steps: state.steps.map((step) => (step.id === event.step ? applyToStep(step, at, event) : step)),
      }
  }
}

type EventOf<Kind extends RunEvent['kind']> = Extract<RunEvent, { kind: Kind }>

function withResume(state: RunState, event: EventOf<'run-resumed'>): RunState {
  const { planHash, version, fencingToken } = event
  const stepOf = (id: string) => event.steps.find((step) => step.id === id)
  const steps = state.steps.map((step) => resumedStep(step, stepOf(step.id)))
  return { ...goingOn(state), planHash, version, fencingToken, resumed: state.resumed + 1, steps }
}

function withRollback(state: RunState, event: EventOf<'rollback-started'>, at: number): RunState {
  const { fencingToken, version, keepEndpoint } = event
  const startedAt = state.rollback?.startedAt ?? at
  const approvals = [...state.approvals, ...(event.approvals ?? [])]
  return { ...goingOn(state), fencingToken, version, approvals, rollback: { startedAt, keepEndpoint } }
}

function withStart(state: RunState, event: EventOf<'run-started'>, at: number): RunState {
  const {
    cluster,
    planHash,
    version,
    clusterFile,
    fencingToken,
    ignored,
    findings = [],
    purpose,
    approvals = [],
  } = event
  const steps = event.steps.map(waitingStep)
  const named = { cluster, planHash, version, clusterFile, fencingToken }
  const by = event.startedBy === undefined ? {} : { startedBy: event.startedBy }
  const begun = { ...state, ...named, ...by, ignored, findings, approvals, startedAt: at, startedHash: planHash, steps }
  return purpose === undefined ? begun : { ...begun, purpose }
}
const pictured = ({ kind: _, when, ...picture }: Extract<RunEvent, { kind: 'cluster-seen' }>): RunState['seen'] =>
  when === 'before' ? { before: picture } : { after: picture }

const waitsFor = (state: RunState, node: string): WaitingNode['waits'] =>
  state.steps.flatMap(({ id, actions }) =>
    actions
      .filter((record) => record.action.node === node && isDue(record))
      .map(({ action }) => ({ step: id, does: action.does })),
  )
const isDue = ({ state }: ActionRecord): boolean => ['planned', 'running', 'pending'].includes(state)

interface End {
  readonly at: number
  readonly outcome: Outcome
  readonly error: RunError | undefined
}

const withEnd = (state: RunState, { at, outcome, error }: End): RunState => ({
  ...state,
  outcome,
  endedAt: at,
  ...(error === undefined ? {} : { error }),
})

function goingOn({ endedAt: _, error: __, ...state }: RunState): RunState {
  return { ...state, outcome: 'running' }
}

interface Listed {
  readonly id: string
  readonly title: string
  readonly actions: readonly Action[]
}

const planned = (action: Action): ActionRecord => ({ action, state: 'planned', operations: [], sent: [], evidence: [] })

const waitingStep = ({ id, title, actions }: Listed): StepRecord => ({
  id,
  title,
  state: 'waiting',
  actions: actions.map(planned),
})

function resumedStep(step: StepRecord, listed: Listed | undefined): StepRecord {
  if (step.state === 'waiting') return listed === undefined ? step : waitingStep(listed)
  if (step.state !== 'failed') return step
  const { endedAt: _, ...open } = step
  return { ...open, state: 'running' }
}

/** Actions that were started keep their record: a rollback needs what they touched. */
function startedStep(step: StepRecord, at: number, actions: readonly Action[]): StepRecord {
  const { endedAt: _, ...open } = step
  const listed = new Set(actions.map(({ id }) => id))
  const begun = step.actions.filter(({ action, state }) => state !== 'planned' && !listed.has(action.id))
  const now = actions.map((action) => {
    const known = step.actions.find((record) => record.action.id === action.id)
    return known === undefined ? planned(action) : { ...known, action, state: 'planned' as const }
  })
  return { ...open, state: 'running', startedAt: step.startedAt ?? at, actions: [...begun, ...now] }
}

type StepEvent = Extract<RunEvent, { readonly step: string }>
type ActionEvent = Exclude<StepEvent, { kind: 'step-started' | 'step-skipped' | 'step-done' }>

function applyToStep(step: StepRecord, at: number, event: StepEvent): StepRecord {
  switch (event.kind) {
    case 'step-started':
      return { ...startedStep(step, at, event.actions), ...(event.proofs && { proofs: event.proofs }) }
    case 'step-skipped':
      return { ...step, state: 'skipped', startedAt: at, endedAt: at, actions: [] }
    case 'step-done':
      return { ...step, state: 'done', endedAt: at }
    default: {
      const id = event.kind === 'action-started' ? event.action.id : event.action
      const actions = step.actions.map((record) =>
        record.action.id === id ? applyToAction(record, at, event) : record,
      )
      if (event.kind === 'action-failed') return { ...step, state: 'failed', endedAt: at, actions }
      const undone = event.kind === 'action-undone' && step.state !== 'failed' && actions.every(isTakenBack)
      return undone ? { ...step, state: 'undone', actions } : { ...step, actions }
    }
  }
}

const isTakenBack = ({ state }: ActionRecord): boolean => state === 'undone' || state === 'planned'

function applyToAction(record: ActionRecord, at: number, event: ActionEvent): ActionRecord {
  switch (event.kind) {
    case 'action-started': {
      const { error: _, undoError: __, ...clean } = record
      return { ...clean, state: 'running', startedAt: at, sent: over(record.sent) }
    }
    case 'action-continued': {
      const { error: _, undoError: __, ...clean } = record
      return { ...clean, state: 'running' }
    }
    case 'operation-sent':
      return { ...record, sent: [...record.sent, sentBy(event)] }
    case 'progress':
      return { ...record, progress: event.message }
    case 'operation-done':
      return doneOperation(record, event)
    case 'operation-failed':
      return { ...record, sent: endedIn(record.sent, event.operationId, { state: 'failed', error: event.error }) }
    case 'action-verified':
      return { ...record, state: 'verified', endedAt: at, evidence: event.evidence }
    case 'action-failed':
      return { ...record, state: 'failed', endedAt: at, error: event.error }
    case 'action-pending':
      return { ...record, state: 'pending', error: event.error }
    case 'undo-started':
      // After a failed undo this is a new try; after a crash the same one continues.
      return { ...record, state: 'undoing', sent: record.state === 'undoing' ? record.sent : over(record.sent, isUndo) }
    case 'action-undone':
      return { ...record, state: 'undone', endedAt: at, undoEvidence: event.evidence, ...takenBack(record) }
    case 'undo-failed':
      return { ...record, state: 'undo-failed', endedAt: at, undoError: event.error }
  }
}

/** Prefix of the labels of operations that undo. */
export const undoPrefix = 'undo-'
const isUndo = ({ label }: { label: string }): boolean => label.startsWith(undoPrefix)

function sentBy(event: Extract<RunEvent, { kind: 'operation-sent' }>): SentOperation {
  const { operationId, node, label, method, attempt } = event
  return { operationId, node, label, method, attempt, state: 'sent', over: false }
}

const over = (sent: readonly SentOperation[], which = (_: SentOperation) => true): readonly SentOperation[] =>
  sent.map((one) => (which(one) ? { ...one, over: true } : one))

const endedIn = (sent: readonly SentOperation[], id: string, end: Partial<SentOperation>): readonly SentOperation[] =>
  sent.map((one) => (one.operationId === id ? { ...one, ...end } : one))

function doneOperation(record: ActionRecord, event: Extract<RunEvent, { kind: 'operation-done' }>): ActionRecord {
  const { node, label, result, operationId } = event
  const operation = { node, label, result, undo: isUndo(event), undone: false }
  return {
    ...record,
    sent: endedIn(record.sent, operationId, { state: 'done', result }),
    operations: [...record.operations, operation],
  }
}

const takenBack = ({ sent, operations }: ActionRecord) => ({
  sent: over(sent),
  operations: operations.map((one) => ({ ...one, undone: true })),
})

/** Operations of the present attempt whose end is not in the journal. */
export const unended = ({ sent }: ActionRecord): readonly SentOperation[] =>
  sent.filter((one) => !one.over && one.state === 'sent')

/** Started and neither verified nor ended, or left to the operator unfinished: a resumed run finishes it first. */
export const isOpen = (record: ActionRecord): boolean =>
  record.state === 'running' ||
  record.state === 'pending' ||
  record.state === 'undoing' ||
  record.state === 'undo-failed' ||
  (record.state === 'failed' && (unended(record).length > 0 || neededPerson(record)))

const neededPerson = ({ error }: ActionRecord): boolean =>
  error !== undefined && isErrorCode(error.code) && catalogue[error.code].exit === 'needsPerson'

/** What an action did and what is not undone yet. */
export function doneOf({ action, operations }: ActionRecord): DoneAction {
  const results = operations.filter(({ undo, undone }) => !undo && !undone)
  return { action, results: results.map(({ node, label, result }) => ({ node, label, result })) }
}

/** The record of one action; undefined before it was planned. */
export const recordOf = (state: RunState, step: string, action: string): ActionRecord | undefined =>
  state.steps.find(({ id }) => id === step)?.actions.find((record) => record.action.id === action)
