import { setMaxListeners } from 'node:events'
import { type Clock, systemClock } from '@quorate/shared/clock'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'
import type { ClusterFile } from '../config/cluster-file.js'
import type { EnrolledNode } from '../config/enrolled-node.js'
import { allChecks } from '../conversion/checks/all.js'
import { type Assessed, assess, isBlocking, unplannedFindings } from '../conversion/checks/assess.js'
import type { Check } from '../conversion/checks/check.js'
import { acceptedOf } from '../conversion/context/accepted.js'
import type { ConversionRun, ConversionStep } from '../conversion/context/run.js'
import { allProofs } from '../conversion/proofs/all.js'
import type { Proof } from '../conversion/proofs/proof.js'
import { prove, type Verification } from '../conversion/proofs/prove.js'
import type { MissingNode } from '../engine/absence.js'
import { withSeenNow } from '../engine/availability.js'
import type { RecordedEvent } from '../engine/events.js'
import { foldRun, type RunState } from '../engine/fold.js'
import type { LeaseStore } from '../engine/lease.js'
import { runError } from '../engine/operations.js'
import { canonicalHash, type PlannedStep, planSteps } from '../engine/plan.js'
import { newRunId, startOf } from '../engine/run-id.js'
import { type RunOutcome, runOrder } from '../engine/run-order.js'
import type { RunStore } from '../engine/run-store.js'
import type { SeenNow } from '../engine/seen-now.js'
import type { Fleet } from '../fleet/fleet.js'
import type { BackupStore } from '../state/backups.js'
import type { RequestFolder } from '../state/request-folder.js'
import type { RunWatch, RunWatchParts } from './availability/run-watch.js'
import { estimateSeconds } from './estimate.js'
import { holdCluster, orGiveBack } from './hold-cluster.js'
import { conversionRun, workersMayMiss } from './session-run.js'
import { judgeUnknownOutcome } from './unknown-outcome.js'
import { waitingProof } from './waiting.js'

/** All that the command line and REST need from the outside: one state folder, opened. */
export interface Session {
  /** Clients for the agents; the caller closes it. */
  connect(): Fleet
  readonly runs: RunStore
  readonly leases: LeaseStore
  enrolled(): Promise<readonly EnrolledNode[]>
  keepBackup(
    run: RunId,
    node: string,
    kind: 'etcd' | 'files',
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ path: string; sha256: string; bytes: number }>
  requestFolder(run: string): RequestFolder
  readonly backupRecipient: string
  readonly backups: BackupStore
  /** Version of this program, written into the journal. */
  readonly version: string
  readonly clock?: Clock
  /** Watches the API while a run goes on; unset: nobody does. */
  readonly watch?: (parts: RunWatchParts) => RunWatch
  /** What that watch sees before it is in a journal. */
  readonly seenNow?: SeenNow
  /** What a test puts in place of the conversion's own lists. */
  readonly order?: readonly ConversionStep[]
  readonly checks?: readonly Check[]
  readonly proofs?: readonly Proof[]
}

/** What `quorate plan` shows and a person approves. Plain data. */
export interface Plan {
  readonly cluster: string
  /** Every step of the order; those that are already true have no actions. */
  readonly steps: readonly PlannedStep[]
  readonly findings: readonly Assessed[]
  /** What was chosen where the cluster file leaves it open, and why: one sentence each. */
  readonly choices: readonly string[]
  /** An error finding that is not ignored: the run would be refused. */
  readonly blocked: boolean
  /** sha256, hex; the same whenever the same would be done. */
  readonly hash: string
  readonly estimateSeconds: number
  /** One sentence for each moment after which there is no way back. */
  readonly noWayBack: readonly string[]
  /** What a person does afterwards where no agent is. */
  readonly elsewhere: readonly string[]
  /** Workers that do not answer: the rest is converted without them, and what is due on them waits. */
  readonly missing: readonly MissingNode[]
}

export interface StartRequest {
  readonly file: ClusterFile
  /** The cluster file as text, for the journal. */
  readonly fileText: string
  /** The plan that was approved. */
  readonly approved: Plan
  /** Told each event after it is in the journal. */
  onEvent?(event: RecordedEvent): void
}

export interface StartedRun {
  readonly id: RunId
  /** Starts no further action; the one that runs comes to its end and the run ends as `interrupted`. */
  stop(): void
  /** Never rejects: what went wrong is in the outcome. */
  readonly ended: Promise<RunOutcome>
}

/** Facts, findings and the ordered actions with their diffs. Changes nothing on any node. */
export async function planConversion(session: Session, file: ClusterFile): Promise<Plan> {
  const fleet = session.connect()
  try {
    const run = conversionRun(session, fleet, { id: 'plan', file, mayMiss: workersMayMiss(file) })
    const { findings: seen, facts } = await assess(run, session.checks ?? allChecks)
    // Without facts of every node there is nothing to plan from; the findings already say which node is missing and why.
    const steps = facts === 'complete' ? await planSteps(run.order, run, { tolerant: true }) : []
    // What findings block already has no step to answer for.
    const findings = seen.some(isBlocking) ? seen : [...unplannedFindings(run, steps), ...seen]
    const blocked = findings.some(isBlocking)
    const choices = facts === 'complete' ? await choicesOf(run) : []
    return describePlan(file, steps, { findings, choices, blocked, run })
  } finally {
    fleet.close()
  }
}

/** None where the cluster does not say of what release it is: a check says why, or no step asks. */
const choicesOf = (run: ConversionRun): Promise<readonly string[]> =>
  run.endpointPolicy().then(
    ({ reason }) => [reason],
    () => [],
  )

/** What would be done, as a person reads and approves it. */
export function describePlan(
  file: ClusterFile,
  steps: readonly PlannedStep[],
  seen: { findings: readonly Assessed[]; choices: readonly string[]; blocked: boolean; run: ConversionRun },
): Plan {
  return {
    cluster: file.name,
    steps,
    findings: seen.findings,
    choices: seen.choices,
    blocked: seen.blocked,
    missing: seen.run.absence.missing(),
    hash: canonicalHash({
      cluster: file.name,
      endpoint: file.endpoint,
      steps: steps.map(({ id, actions }) => ({ id, actions })),
    }),
    estimateSeconds: estimateSeconds(steps, seen.run),
    noWayBack: steps.flatMap(({ actions }) =>
      actions.flatMap((action) => (action.noWayBack === undefined ? [] : [action.noWayBack])),
    ),
    elsewhere: steps.flatMap(({ actions }) =>
      actions.flatMap((action) => (action.elsewhere === undefined ? [] : [action.elsewhere])),
    ),
  }
}

/** Refuses a plan that may not run: BLOCKED_BY_FINDINGS, or PLAN_CHANGED when it is not the one whose hash was approved. */
export function approve(plan: Plan, hash?: string): void {
  if (plan.blocked) {
    const blocking = plan.findings.filter(isBlocking)
    const list = blocking
      .map((finding) => finding.id + (finding.node === undefined ? '' : ` on ${finding.node}`))
      .join(', ')
    throw new QuorateError('BLOCKED_BY_FINDINGS', `${blocking.length} finding(s) block the conversion: ${list}`, {
      where: plan.cluster,
    })
  }
  if (hash !== undefined && hash !== plan.hash) {
    throw new QuorateError('PLAN_CHANGED', `the approved plan is ${hash}, what would be done now is ${plan.hash}`, {
      where: plan.cluster,
    })
  }
}

/** Takes the cluster's lease and starts the approved plan; resolves as soon as the run is in its journal. */
export async function startConversion(session: Session, request: StartRequest): Promise<StartedRun> {
  approve(request.approved)
  const id = newRunId((session.clock ?? systemClock).now())
  const { file, approved } = request
  const held = await holdCluster(session, {
    id,
    file,
    mayMiss: workersMayMiss(file),
    missing: approved.missing,
    accepted: acceptedOf(approved.findings),
    onEvent: request.onEvent,
    open: async () => ({ journal: await session.runs.create(id) }),
  })
  const started = {
    planHash: approved.hash,
    version: session.version,
    clusterFile: request.fileText,
    ignored: file.policy.ignoreFindings,
    findings: approved.findings,
  }
  const { order, absence } = held.run
  const steps = { order, absence, approved: approved.steps, started, judge: judgeUnknownOutcome }
  return orGiveBack(held, () =>
    held.start(({ run, context, emit, stop }) => runOrder({ ...steps, run, context, emit, stop })),
  )
}

/** Is this cluster highly available now? Every proof on the live cluster; changes nothing. */
export async function verifyCluster(session: Session, file: ClusterFile, signal: AbortSignal): Promise<Verification> {
  setMaxListeners(0, signal) // every node is asked under it; that is no leak
  const fleet = session.connect()
  try {
    const verified = await prove(
      conversionRun(session, fleet, { id: 'verify', file }),
      session.proofs ?? allProofs,
      signal,
    )
    const waiting = waitingProof(await listRuns(session), file)
    if (waiting === undefined) return verified
    return { ...verified, highlyAvailable: false, proofs: [...verified.proofs, waiting] }
  } finally {
    fleet.close()
  }
}

/** What one run did and is doing; RUN_NOT_FOUND. */
export async function readRun(session: Session, id: RunId): Promise<RunState> {
  const state = { ...foldRun(await session.runs.read(id)), id } // a journal that was cut off before its first event has only its name
  // A journal without an end is a run that goes on only while somebody holds the lease for it.
  const holder = state.outcome === 'running' ? await session.leases.holder(state.cluster) : undefined
  if (state.outcome !== 'running') return state
  if (holder?.run !== id) return { ...state, outcome: 'abandoned' }
  return { ...state, availability: withSeenNow(state.availability, (await session.seenNow?.read(id)) ?? []) }
}

/** One damaged journal hides no other run: it is listed with what is wrong with it. */
function damagedRun(id: RunId, thrown: unknown): RunState {
  const error = asQuorateError(thrown)
  if (error.code !== 'JOURNAL_DAMAGED') throw thrown
  return { ...foldRun([]), id, startedAt: startOf(id), outcome: 'damaged', error: runError(error, '', id) }
}

/** All runs of the state folder, newest first; one whose journal is damaged is `damaged`, its error says where. */
export async function listRuns(session: Session): Promise<readonly RunState[]> {
  const ids = await session.runs.list()
  const runs = await Promise.all(ids.map((id) => readRun(session, id).catch((error) => damagedRun(id, error))))
  return runs.sort((a, b) => b.startedAt - a.startedAt)
}

/** A run's events after `after` (0: from the start); ends with the run, or when its coordinator is gone. */
export async function* followRun(
  session: Session,
  id: RunId,
  options: { after: number; signal: AbortSignal },
): AsyncIterable<RecordedEvent> {
  const goesOn = async () => (await readRun(session, id)).outcome === 'running'
  yield* session.runs.follow(id, { ...options, goesOn })
}
