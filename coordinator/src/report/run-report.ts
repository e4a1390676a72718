import { parseClusterFile } from '../config/parse-cluster-file.js'
import { workedMs, workedWithin } from '../engine/attempts.js'
import type { ActionRecord, RunState, StepRecord } from '../engine/fold.js'
import { attemptsOf, pausesIn, workOn } from './attempts.js'
import { availabilityOf } from './availability.js'
import { picturesOf } from './documented-run.js'
import type { ReportedAction, ReportedSite, ReportedStep, ReportedTouch, RunReport } from './schema.js'
import { headlineOf, purposeOf, verdictOf } from './verdict.js'

/** How to undo each step, by step ID. */
export type UndoSentences = Readonly<Record<string, string>>

const backupSteps: ReadonlySet<string> = new Set(['snapshot-etcd', 'back-up-files'])
const proofStep = 'prove-ha'

/** Steps whose evidence has its own section. */
export const hasOwnSection = (step: string): boolean => backupSteps.has(step) || step === proofStep

export function makeReport(run: RunState, undo: UndoSentences, now: number): RunReport {
  const evidenceOf = (wanted: (step: string) => boolean) =>
    run.steps.filter(({ id }) => wanted(id)).flatMap(({ actions }) => actions.flatMap(({ evidence }) => evidence))
  const site = siteOf(run)
  return {
    format: 'quorate.report/v2',
    run: run.id,
    cluster: run.cluster,
    purpose: purposeOf(run),
    outcome: run.outcome,
    headline: headlineOf(run),
    verdict: verdictOf(run),
    ...(run.error === undefined ? {} : { error: run.error }),
    startedAt: run.startedAt,
    ...(run.endedAt === undefined ? {} : { endedAt: run.endedAt }),
    durationMs: (run.endedAt ?? now) - run.startedAt,
    workedMs: workedMs(run.attempts),
    attempts: attemptsOf(run),
    pauses: pausesIn(run),
    version: run.version,
    planHash: run.planHash,
    ...(site === undefined ? {} : { site }),
    findings: run.findings,
    steps: run.steps.map((step) => reportStep(run, step)),
    seen: picturesOf(run),
    touched: touchedBy(run),
    proof: evidenceOf((step) => step === proofStep),
    backups: evidenceOf((step) => backupSteps.has(step)),
    ignored: run.ignored,
    missing: run.missing,
    availability: availabilityOf(run),
    elsewhere: elsewhereOf(run),
    undo: undoOf(run, undo),
  }
}

/** The cluster file in the journal; undefined when this version cannot read it: the report then lacks only this part. */
function siteOf({ id, clusterFile }: RunState): ReportedSite | undefined {
  try {
    const { endpoint, loadBalancer, controlPlanes, workers } = parseClusterFile(clusterFile, `journal of ${id}`)
    return {
      endpoint: `${endpoint.host}:${endpoint.port}`,
      ...(loadBalancer.virtualIP === undefined ? {} : { virtualIP: loadBalancer.virtualIP }),
      loadBalancer: loadBalancer.kind,
      nodes: [
        ...controlPlanes.map(({ name, address }) => ({ name, address, role: 'control-plane' as const })),
        ...workers.map(({ name, address }) => ({ name, address, role: 'worker' as const })),
      ],
    }
  } catch {
    return undefined
  }
}

const times = ({ startedAt, endedAt }: Pick<StepRecord, 'startedAt' | 'endedAt'>) => ({
  ...(startedAt === undefined ? {} : { startedAt }),
  ...(endedAt === undefined ? {} : { endedAt }),
})

function reportStep(run: RunState, step: StepRecord): ReportedStep {
  const { id, title, state, proofs = [], actions } = step
  return {
    id,
    title,
    state,
    ...times(step),
    durationMs: workedMs(run.attempts, id),
    work: workOn(run, id),
    proofs,
    actions: actions.map((action) => reportAction(run, action)),
  }
}

function reportAction({ attempts }: RunState, record: ActionRecord): ReportedAction {
  const { action, state, operations, evidence, error, undoError, startedAt, endedAt } = record
  const ended = startedAt !== undefined && endedAt !== undefined
  return {
    node: action.node,
    does: action.does,
    state,
    ...times(record),
    durationMs: ended ? workedWithin(attempts, { from: startedAt, to: endedAt }) : 0,
    summaries: operations.map(({ node, result }) => `${node}: ${result.summary}`),
    diffs: action.diffs,
    evidence,
    ...(error === undefined ? {} : { error }),
    ...(undoError === undefined ? {} : { undoError }),
  }
}

function touchedBy(run: RunState): readonly ReportedTouch[] {
  return run.steps.flatMap(({ id, actions }) =>
    actions.flatMap(({ action, operations }) =>
      operations.flatMap(({ node, result, undo }) =>
        result.touched.map(({ name, sha256Before, sha256After }) => {
          const named = action.diffs.find((one) => one.name === name || one.name === `${node}:${name}`)?.text
          // An undo has no diff: its hashes show that the old content is back.
          const diff = named === undefined || named === '' || undo ? {} : { diff: named }
          return { step: id, node, name, sha256Before, sha256After, ...diff }
        }),
      ),
    ),
  )
}

/** Only of actions that were done and stay: after a rollback no kubeconfig elsewhere needs the endpoint. */
function elsewhereOf({ steps }: RunState): readonly string[] {
  const done = steps.flatMap(({ actions }) => actions).filter(({ state }) => state === 'verified')
  return done.flatMap(({ action }) => (action.elsewhere === undefined ? [] : [action.elsewhere]))
}

// In reverse order, because each step builds on those before it.
function undoOf(run: RunState, undo: UndoSentences): RunReport['undo'] {
  return run.steps.toReversed().flatMap(({ id, actions }) => {
    const nodes = actions
      .filter(({ state }) => state === 'verified' || state === 'failed' || state === 'undo-failed')
      .map(({ action }) => action.node)
    const how = undo[id]
    return nodes.length === 0 || how === undefined ? [] : [{ step: id, how, nodes: [...new Set(nodes)] }]
  })
}
