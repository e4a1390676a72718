import { systemClock } from '@quorate/shared/clock'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'
import { holds, until } from '@quorate/shared/until'
import type { ConversionRun } from '../conversion/context/run.js'
import { joinControlPlanes } from '../conversion/steps/join-control-planes.js'
import { isMissing } from '../engine/absence.js'
import { differencesFrom } from '../engine/differences.js'
import { type RunState, unended } from '../engine/fold.js'
import { untilEnded } from '../engine/operations.js'
import { canonicalHash, type PlannedStep, planSteps } from '../engine/plan.js'
import { resumeOrder } from '../engine/run-order.js'
import { requireApprovedBefore } from './approvals/require.js'
import { readRun } from './context/read-runs.js'
import type { Session, StartedRun } from './context/session.js'
import type { StartRequest } from './convert.js'
import { goOnWith, type OpenOptions, requireConversion } from './open-run.js'
import { workersMayMiss } from './session-run.js'
import { judgeUnknownOutcome } from './unknown-outcome.js'

export interface ResumeRequest {
  readonly id: RunId
  /** Continue although the current plan differs from the approved one. */
  readonly acceptChanges?: boolean
  readonly onEvent?: StartRequest['onEvent']
}

/** A node that rebooted answers in seconds, its etcd and API server about 20 s after it. */
const clusterMs = 90_000

/**
 * Resumes a run from the present state: takes the cluster over, waits for operations that still run on a node, plans again and refuses to do what
 * was not approved (PLAN_CHANGED, with every difference). Resolves when the run continues; a finished run is not touched.
 */
export async function resumeConversion(session: Session, request: ResumeRequest): Promise<StartedRun> {
  const { id, acceptChanges = false, onEvent } = request
  const known = await readRun(session, id)
  requireConversion(known)
  if (known.outcome === 'done' && known.missing.length === 0)
    return { id, stop: () => undefined, ended: Promise.resolve({ outcome: 'done', needsPerson: false }) }
  requireResumable(known)
  const mayMiss: OpenOptions['mayMiss'] = (_, file) => workersMayMiss(file)
  return goOnWith(session, id, { onEvent, mayMiss }, async ({ held, state }) => {
    requireResumable(state)
    const { order } = held.run
    await settleRunning(session, held.run, state)
    const approved = await planNow(held.run, state)
    const differences = differencesFrom(state, order, approved)
    if (differences.length > 0 && !acceptChanges) throw changed(id, differences)
    const may = await requireApprovedBefore(session, state, { differs: differences.length > 0 })
    const planHash = canonicalHash({
      cluster: state.cluster,
      steps: approved.map(({ id, actions }) => ({ id, actions })),
    })
    const resumed = { planHash, version: session.version, differences }
    return held.start(may, ({ run, context, emit, stop }) =>
      resumeOrder({
        order,
        run,
        approved,
        context,
        state,
        resumed,
        judge: judgeUnknownOutcome,
        absence: run.absence,
        emit,
        stop,
      }),
    )
  })
}

function requireResumable(state: RunState): void {
  requireConversion(state)
  const { id, rollback } = state
  if (rollback === undefined) return
  throw new QuorateError('RUN_OVER', `run ${id} is being rolled back or was rolled back`, {
    remedy: `\`quorate rollback ${id}\` finishes the rollback; \`quorate convert\` starts a new run.`,
  })
}

/** Facts that are read during an operation are soon outdated: running operations finish first. */
async function settleRunning(session: Session, run: ConversionRun, state: RunState): Promise<void> {
  const all = state.steps.flatMap(({ actions }) => actions.flatMap(unended))
  const running = all.filter(({ node }) => !isMissing(run.absence, node))
  const clock = session.clock ?? systemClock
  await Promise.all(
    running.map(({ node, operationId }) =>
      untilEnded(run.agent(node), operationId, { clock, onRunning: () => undefined }),
    ),
  )
}

async function planNow(run: ConversionRun, state: RunState): Promise<readonly PlannedStep[]> {
  let last: unknown
  const look = async () => {
    run.refresh()
    return holds(
      await planSteps(run.order, run, { tolerant: false }).catch((error: unknown) => {
        last = error
        throw error
      }),
    )
  }
  return until('the cluster to answer', look, { deadlineMs: clusterMs, everyMs: 1_000 }).catch(() => {
    throw silentCluster(state, last)
  })
}

/** If a join was in progress, a cluster that does not answer may have lost its quorum: waiting longer or trying again does not help. */
function silentCluster(state: RunState, last: unknown): unknown {
  const joins = state.steps.find(({ id }) => id === joinControlPlanes.id)?.actions ?? []
  const begun = joins.some((record) => record.state !== 'planned' && record.state !== 'undone')
  if (!begun) return last
  const why = asQuorateError(last)
  return new QuorateError(
    'QUORUM_AT_RISK',
    `the cluster does not answer and a join was in progress: etcd may have lost its quorum. Last error: ${why.message}`,
    { cause: last, ...(why.where === undefined ? {} : { where: why.where }) },
  )
}

function changed(id: RunId, differences: readonly string[]): QuorateError {
  const list = differences.map((difference, index) => `\n${index + 1}. ${difference}`).join('')
  return new QuorateError(
    'PLAN_CHANGED',
    `the current plan differs from the approved one; nothing was done. ${differences.length} ${differences.length === 1 ? 'difference' : 'differences'}:${list}`,
    { where: id, remedy: `Review each. To accept them: quorate resume ${id} --accept-changes` },
  )
}
