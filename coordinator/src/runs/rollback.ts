import { QuorateError } from '@quorate/shared/errors'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { RunId } from '@quorate/shared/names'
import type { ConversionRun } from '../conversion/context/run.js'
import { nodeOf } from '../conversion/endpoint/servers.js'
import { joinControlPlanes } from '../conversion/steps/join-control-planes.js'
import { prepareJoining } from '../conversion/steps/prepare-joining.js'
import { uploadCertificates } from '../conversion/steps/upload-certificates.js'
import { useEtcdLearners } from '../conversion/steps/use-etcd-learners.js'
import type { RunState, SentOperation } from '../engine/fold.js'
import { isToUndo, rollbackOrder } from '../engine/rollback-order.js'
import type { Action, Step } from '../engine/step.js'
import { approvalsNeeded } from './approvals/needed.js'
import { rollbackHash } from './approvals/plan-hash.js'
import { requireRollbackApproved } from './approvals/require.js'
import { clusterFileOf } from './context/cluster-file-of.js'
import { readRun } from './context/read-runs.js'
import type { Session, StartedRun } from './context/session.js'
import type { StartRequest } from './convert.js'
import { goOnWith, type OpenOptions, requireAnswers, requireConversion } from './open-run.js'
import { requireSamePlan } from './plan.js'
import { requireBackups } from './prune-backups.js'
import { conversionRun, orderOf, workersMayMiss } from './session-run.js'
import { undoGate } from './undo-gate.js'
import { judgeUnknownOutcome, touchedNow } from './unknown-outcome.js'

export interface RollbackRequest {
  readonly id: RunId
  /** Rolls back the joins only: load balancer, certificate, ConfigMaps and kubeconfigs keep the endpoint. */
  readonly keepEndpoint?: boolean
  /** Hash of the plan that was read; unset: what would be undone now. */
  readonly planHash?: string
  readonly by?: StartRequest['by']
  readonly onEvent?: StartRequest['onEvent']
}

/** The options of `quorate rollback` that request this. */
export const optionsOf = ({ keepEndpoint = false }: Pick<RollbackRequest, 'keepEndpoint'>): readonly string[] =>
  keepEndpoint ? ['--keep-endpoint'] : []

/** One step of a rollback, for the operator to read. */
export interface UndoStep {
  readonly id: string
  readonly title: string
  /** How it is undone, or why there is nothing to undo. */
  readonly how: string
  readonly nodes: readonly string[]
}

/** What `quorate rollback` shows before it asks. Plain data. */
export interface RollbackPlan {
  readonly run: string
  readonly cluster: string
  readonly keepEndpoint: boolean
  /** How many approvers have to sign it before it may start. */
  readonly approvals: number
  /** sha256, hex; equal whenever the same would be undone. */
  readonly hash: string
  /** In the order in which they are undone. */
  readonly undone: readonly UndoStep[]
  /** What stays unchanged, and why. */
  readonly stays: readonly UndoStep[]
  /** etcd before each member leaves, in the order in which they do. */
  readonly quorum: readonly string[]
  /** Why the rollback is impossible: then nothing is undone. */
  readonly impossible: readonly string[]
}

const joining: ReadonlySet<string> = new Set([
  joinControlPlanes.id,
  uploadCertificates.id,
  prepareJoining.id,
  useEtcdLearners.id,
])

/** What undoing a run would do and what it could not. Changes nothing. */
export async function planRollback(session: Session, request: RollbackRequest): Promise<RollbackPlan> {
  const state = await readRun(session, request.id)
  requireUndoable(state, request)
  await requireBackups(session, request.id)
  const file = clusterFileOf(state)
  const fleet = session.connect()
  try {
    const run = conversionRun(session, fleet, {
      id: request.id,
      file,
      mayMiss: untouchedWorkers(session, request)(state, file),
    })
    await requireAnswers(run)
    const approvals = await approvalsNeeded(session, file)
    return await describe({ run, state, approvals, keepEndpoint: request.keepEndpoint ?? false })
  } finally {
    fleet.close()
  }
}

/** Undoes a run in reverse order; QUORUM_AT_RISK where etcd would not survive it, PLAN_CHANGED where it is not what was read: then nothing is undone. */
export async function startRollback(session: Session, request: RollbackRequest): Promise<StartedRun> {
  const { id, keepEndpoint = false, planHash, onEvent, by } = request
  requireUndoable(await readRun(session, id), request)
  await requireBackups(session, id)
  const mayMiss = untouchedWorkers(session, request)
  return goOnWith(session, id, { onEvent, mayMiss }, async ({ held, state }) => {
    await requireBackups(session, id)
    const file = clusterFileOf(state)
    const plan = await describe({ run: held.run, state, approvals: await approvalsNeeded(session, file), keepEndpoint })
    requireSamePlan(plan, planHash)
    if (plan.impossible.length > 0)
      throw new QuorateError('QUORUM_AT_RISK', plan.impossible.join('; '), { where: plan.cluster })
    const subject = { cluster: plan.cluster, kind: 'rollback', planHash: plan.hash, run: id } as const
    const options = optionsOf({ keepEndpoint })
    const may = await requireRollbackApproved(session, state, { ...subject, options, file, by, keepEndpoint })
    return held.start(may, ({ run, context, emit, stop }) =>
      rollbackOrder<ConversionRun>({
        order: run.order,
        run,
        context,
        state,
        started: { version: session.version, keepEndpoint, ...may.recorded },
        undoes: (step) => undoes(step, keepEndpoint),
        agent: (over, node) => over.agent(node),
        traces,
        asBefore: undoGate(state),
        judge: judgeUnknownOutcome,
        absence: run.absence,
        emit,
        stop,
      }),
    )
  })
}

/**
 * A worker with nothing to undo is not required. One that was pointed at the endpoint is: it would come back to an endpoint that is gone. Where
 * the endpoint is kept no worker is touched.
 */
function untouchedWorkers(session: Session, { keepEndpoint = false }: RollbackRequest): OpenOptions['mayMiss'] {
  return (state, file) => {
    const undone = orderOf(session).filter(
      ({ id, rollback }) => typeof rollback === 'function' && undoes(id, keepEndpoint),
    )
    const ids = new Set(undone.map(({ id }) => id))
    const records = state.steps.filter(({ id }) => ids.has(id)).flatMap(({ actions }) => actions.filter(isToUndo))
    const touched = new Set(records.map(({ action }) => action.node))
    const isWorker = workersMayMiss(file)
    return (node) => isWorker(node) && !touched.has(node.name)
  }
}

const undoes = (step: string, keepEndpoint: boolean): boolean => !keepEndpoint || joining.has(step)

/** What an operation without a recorded end left: read from its node, so that it can be restored. */
async function traces(run: ConversionRun, action: Action, { node, method, operationId }: SentOperation) {
  const { evidence } = await run.agent(node).read('examineOperation', { operationId })
  return OperationResult.fromPartial({
    summary: `the outcome of ${method} is unknown: its changes were read from the node`,
    touched: await touchedNow(run, action, { node, facts: evidence?.facts ?? {} }),
  })
}

function requireUndoable(state: RunState, { keepEndpoint = false }: RollbackRequest): void {
  requireConversion(state)
  const { id, outcome, purpose } = state
  if (outcome === 'rolled-back') throw new QuorateError('RUN_OVER', `run ${id} was already rolled back`)
  if (purpose === 'fix' && keepEndpoint)
    throw new QuorateError(
      'USAGE',
      `run ${id} is a fix: it joined no node, so with --keep-endpoint there is nothing to undo`,
      {
        remedy: `\`quorate rollback ${id}\` undoes all of it.`,
      },
    )
}

interface Parts {
  readonly run: ConversionRun
  readonly state: RunState
  readonly keepEndpoint: boolean
  readonly approvals: number
}

async function describe({ run, state, keepEndpoint, approvals }: Parts): Promise<RollbackPlan> {
  const steps = run.order.toReversed().flatMap((step) => undoStep(step, { state, keepEndpoint }))
  const forecast = await forecastLeaving(run, state)
  const plan = {
    ...{ run: state.id, cluster: state.cluster, keepEndpoint, approvals },
    undone: steps.flatMap(({ undone, step }) => (undone ? [step] : [])),
    stays: steps.flatMap(({ undone, step }) => (undone ? [] : [step])),
  }
  return { ...plan, hash: rollbackHash(plan), ...forecast }
}

function undoStep(
  { id, title, undo, rollback }: Step<ConversionRun>,
  { state, keepEndpoint }: Omit<Parts, 'run' | 'approvals'>,
): { undone: boolean; step: UndoStep }[] {
  const records = state.steps.find((step) => step.id === id)?.actions.filter(isToUndo) ?? []
  if (records.length === 0) return []
  const nodes = [...new Set(records.map(({ action }) => action.node))].reverse()
  const kept = keepEndpoint && !joining.has(id)
  const undone = typeof rollback === 'function' && !kept
  const how = typeof rollback === 'function' ? undo : rollback.nothingToUndo
  return [{ undone, step: { id, title, how: kept ? 'the endpoint is kept' : how, nodes } }]
}

/** Whether etcd keeps its quorum before and after each member leaves, the last that joined first. */
async function forecastLeaving(
  run: ConversionRun,
  state: RunState,
): Promise<Pick<RollbackPlan, 'quorum' | 'impossible'>> {
  const joins = state.steps.find(({ id }) => id === joinControlPlanes.id)?.actions.filter(isToUndo) ?? []
  if (joins.length === 0) return { quorum: [], impossible: [] }
  return (await run.etcdTopology()).forecastLeaving(joins.toReversed().map(({ action }) => nodeOf(run, action.node)))
}
