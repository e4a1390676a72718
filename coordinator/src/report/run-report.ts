import { drillReport } from '../conversion/drill/drill-report.js'
import type { RunError } from '../engine/events.js'
import type { ActionRecord, RunState, StepRecord } from '../engine/fold.js'
import type { Evidence } from '../engine/step.js'
import { availabilityOf, type ReportedAvailability } from './availability.js'

/** A file or API object that a run touched. */
export interface ReportedTouch {
  readonly step: string
  readonly node: string
  readonly name: string
  /** Empty where it did not exist. */
  readonly sha256Before: string
  /** Empty where it was removed. */
  readonly sha256After: string
}

export interface ReportedAction {
  readonly node: string
  readonly does: string
  readonly state: ActionRecord['state']
  readonly durationMs: number
  /** What each operation said it did. */
  readonly summaries: readonly string[]
  readonly evidence: readonly Evidence[]
  readonly error?: RunError
  readonly undoError?: RunError
}

export interface ReportedStep {
  readonly id: string
  readonly title: string
  readonly state: StepRecord['state']
  readonly durationMs: number
  readonly actions: readonly ReportedAction[]
}

/** A run as a document: what was promised, done, seen and touched. Plain data; the text is made from it. */
export interface RunReport {
  readonly run: string
  readonly cluster: string
  readonly outcome: RunState['outcome']
  readonly verdict: string
  readonly error?: RunError
  /** Unix milliseconds. */
  readonly startedAt: number
  readonly endedAt?: number
  readonly durationMs: number
  readonly version: string
  readonly planHash: string
  readonly steps: readonly ReportedStep[]
  readonly touched: readonly ReportedTouch[]
  /** What the proof saw: etcd's members, certificates, the endpoint. */
  readonly proof: readonly Evidence[]
  readonly backups: readonly Evidence[]
  /** Serials and the like that operations reported, by node. */
  readonly certificates: readonly {
    readonly node: string
    readonly step: string
    readonly facts: Readonly<Record<string, string>>
  }[]
  readonly ignored: Readonly<Record<string, string>>
  /** Nodes that it went on without. */
  readonly missing: RunState['missing']
  readonly availability: ReportedAvailability
  /** How to undo it by hand, in the order to do it in. */
  readonly undo: readonly { readonly step: string; readonly how: string; readonly nodes: readonly string[] }[]
}

/** What the order says of a step's undo; a report needs no more of it. */
export type UndoSentences = Readonly<Record<string, string>>

const backupSteps: ReadonlySet<string> = new Set(['snapshot-etcd', 'back-up-files'])
const proofStep = 'prove-ha'

/** Steps whose evidence has a section of its own. */
export const hasOwnSection = (step: string): boolean => backupSteps.has(step) || step === proofStep

export function makeReport(run: RunState, undo: UndoSentences, now: number): RunReport {
  const evidenceOf = (wanted: (step: string) => boolean) =>
    run.steps.filter(({ id }) => wanted(id)).flatMap(({ actions }) => actions.flatMap(({ evidence }) => evidence))
  return {
    run: run.id,
    cluster: run.cluster,
    outcome: run.outcome,
    verdict: verdictOf(run),
    ...(run.error === undefined ? {} : { error: run.error }),
    startedAt: run.startedAt,
    ...(run.endedAt === undefined ? {} : { endedAt: run.endedAt }),
    durationMs: (run.endedAt ?? now) - run.startedAt,
    version: run.version,
    planHash: run.planHash,
    steps: run.steps.map(reportStep),
    touched: touchedBy(run),
    proof: evidenceOf((step) => step === proofStep),
    backups: evidenceOf((step) => backupSteps.has(step)),
    certificates: certificatesOf(run),
    ignored: run.ignored,
    missing: run.missing,
    availability: availabilityOf(run),
    undo: undoOf(run, undo),
  }
}

function verdictOf(run: RunState): string {
  const { cluster, outcome, steps, error } = run
  if (run.purpose === 'drill') return drillReport(run).verdict
  const changed = steps.filter(({ state }) => state === 'done').length
  switch (outcome) {
    case 'done':
      return `${cluster} was converted: ${changed} steps done, ${steps.length - changed} were already so, every gate held.${stillMissing(run)}`
    case 'failed':
      return `The conversion of ${cluster} stopped at a failure${error === undefined ? '' : ` on ${error.where}`}; steps before it are done and stay.`
    case 'interrupted':
      return `The conversion of ${cluster} was interrupted at a safe place; steps before it are done and stay.`
    case 'rolled-back':
      return `The conversion of ${cluster} was undone${run.rollback?.keepEndpoint ? '; its endpoint was kept' : ''}.`
    case 'abandoned':
      return `The coordinator of this run is gone; what its journal holds is below.`
    case 'damaged':
      return `The journal of this run is damaged.`
    case 'running':
      return `The conversion of ${cluster} is under way.`
  }
}

function stillMissing({ id, missing }: RunState): string {
  if (missing.length === 0) return ''
  const names = missing.map(({ node }) => node).join(', ')
  return ` NOT YET on ${names}: missing, and lost with the first control plane as long as it is. \`quorate resume ${id}\` when back.`
}

function reportStep({ id, title, state, startedAt, endedAt, actions }: StepRecord): ReportedStep {
  return { id, title, state, durationMs: between(startedAt, endedAt), actions: actions.map(reportAction) }
}

function reportAction({
  action,
  state,
  startedAt,
  endedAt,
  operations,
  evidence,
  error,
  undoError,
}: ActionRecord): ReportedAction {
  return {
    node: action.node,
    does: action.does,
    state,
    durationMs: between(startedAt, endedAt),
    summaries: operations.map(({ node, result }) => `${node}: ${result.summary}`),
    evidence,
    ...(error === undefined ? {} : { error }),
    ...(undoError === undefined ? {} : { undoError }),
  }
}

const between = (start: number | undefined, end: number | undefined) =>
  start === undefined || end === undefined ? 0 : end - start

function operationsOf(run: RunState) {
  return run.steps.flatMap(({ id, actions }) =>
    actions.flatMap(({ operations }) => operations.map((operation) => ({ step: id, ...operation }))),
  )
}

function touchedBy(run: RunState): readonly ReportedTouch[] {
  return operationsOf(run).flatMap(({ step, node, result }) =>
    result.touched.map(({ name, sha256Before, sha256After }) => ({ step, node, name, sha256Before, sha256After })),
  )
}

function certificatesOf(run: RunState): RunReport['certificates'] {
  return operationsOf(run).flatMap(({ step, node, result }) => {
    const facts = Object.fromEntries(
      Object.entries(result.facts).filter(([name]) => /serial|sans|not_after|certificate/.test(name)),
    )
    return Object.keys(facts).length === 0 ? [] : [{ node, step, facts }]
  })
}

// Backwards, because each step rests on those before it.
function undoOf(run: RunState, undo: UndoSentences): RunReport['undo'] {
  return run.steps.toReversed().flatMap(({ id, actions }) => {
    const nodes = actions
      .filter(({ state }) => state === 'verified' || state === 'failed' || state === 'undo-failed')
      .map(({ action }) => action.node)
    const how = undo[id]
    return nodes.length === 0 || how === undefined ? [] : [{ step: id, how, nodes: [...new Set(nodes)] }]
  })
}
