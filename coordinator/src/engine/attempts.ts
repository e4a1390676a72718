import type { RecordedEvent, RunError, RunEvent } from './events.js'

/** The work of one process on a run: from its start or resume to its end, or to the last event that it wrote. */
export interface Attempt {
  readonly begun: 'started' | 'resumed' | 'rollback'
  /** Unix milliseconds. */
  readonly from: number
  readonly to: number
  /** `open`: no end of it is in the journal. It still runs, or its process was killed. */
  readonly outcome: 'open' | 'done' | 'failed' | 'interrupted'
  readonly error?: RunError
  readonly failures: readonly Failure[]
  readonly work: readonly StepWork[]
}

/** An action that failed, or that could not be undone; the action's own record drops it when it is tried again. */
export interface Failure {
  readonly at: number
  readonly step: string
  readonly node: string
  /** It was the undo that failed. */
  readonly undo: boolean
  readonly error: RunError
}

/** When an attempt worked on a step. */
export interface StepWork {
  readonly step: string
  readonly from: number
  readonly to: number
  /** `open`: the attempt ended before the step did. */
  readonly state: 'open' | 'done' | 'failed' | 'undone'
}

const beginnings: { readonly [K in RunEvent['kind']]?: Attempt['begun'] } = {
  'run-started': 'started',
  'run-resumed': 'resumed',
  'rollback-started': 'rollback',
}

/** The attempts after one more event. */
export function attemptsAfter(attempts: readonly Attempt[], { at, event }: RecordedEvent): readonly Attempt[] {
  const begun = beginnings[event.kind]
  if (begun !== undefined) return [...attempts, { begun, from: at, to: at, outcome: 'open', failures: [], work: [] }]
  const last = attempts.at(-1)
  // An event after the end is a late message of work that had ended too.
  if (last === undefined || last.outcome !== 'open') return attempts
  return [...attempts.slice(0, -1), grown({ ...last, to: at }, at, event)]
}

function grown(attempt: Attempt, at: number, event: RunEvent): Attempt {
  switch (event.kind) {
    case 'run-ended':
    case 'run-rolled-back': {
      const { outcome, error } = event
      return { ...attempt, outcome, ...(error === undefined ? {} : { error }) }
    }
    case 'action-failed':
    case 'undo-failed': {
      const { step, node, error } = event
      const failure = { at, step, node, error, undo: event.kind === 'undo-failed' }
      return { ...withWork(attempt, at, event), failures: [...attempt.failures, failure] }
    }
    default:
      return 'step' in event && event.kind !== 'step-skipped' ? withWork(attempt, at, event) : attempt
  }
}

const states: { readonly [K in RunEvent['kind']]?: StepWork['state'] } = {
  'step-done': 'done',
  'action-failed': 'failed',
  'undo-failed': 'failed',
  'action-undone': 'undone',
}

/** A failed step stays failed, also when it is undone. */
function withWork(attempt: Attempt, at: number, { kind, step }: { kind: RunEvent['kind']; step: string }): Attempt {
  const known = attempt.work.find((one) => one.step === step)
  const state = known?.state === 'failed' ? 'failed' : (states[kind] ?? known?.state ?? 'open')
  const grownWork = { step, from: known?.from ?? at, to: at, state }
  return { ...attempt, work: [...attempt.work.filter((one) => one !== known), grownWork] }
}

/** The times between attempts, when no process worked on the run. */
export const pausesOf = (attempts: readonly Attempt[]): readonly { readonly from: number; readonly to: number }[] =>
  attempts.slice(1).map(({ from }, index) => ({ from: attempts[index]?.to ?? from, to: from }))

/** All of the work on a run, or on one step of it; pauses do not count. Milliseconds. */
export function workedMs(attempts: readonly Attempt[], step?: string): number {
  const spans = step === undefined ? attempts : attempts.flatMap(({ work }) => work.filter((one) => one.step === step))
  return spans.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0)
}

/** How much of a span of time was within attempts. */
export const workedWithin = (attempts: readonly Attempt[], span: { readonly from: number; readonly to: number }) =>
  attempts.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, span.to) - Math.max(from, span.from)), 0)

/** How the attempts before the last one ended, without those that finished: `1 interrupted`, `2 failed`. */
export function endedBadly(attempts: readonly Attempt[]): readonly { readonly count: number; readonly how: string }[] {
  const words = { interrupted: 'interrupted', failed: 'failed', open: 'abandoned' } as const
  const earlier = attempts.slice(0, -1)
  return Object.entries(words).flatMap(([outcome, how]) => {
    const count = earlier.filter((attempt) => attempt.outcome === outcome).length
    return count === 0 ? [] : [{ count, how }]
  })
}
