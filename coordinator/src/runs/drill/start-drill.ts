import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFile } from '../../config/cluster-file.js'
import type { Verification } from '../../conversion/proofs/prove.js'
import type { RunEvent } from '../../engine/events.js'
import { planSteps } from '../../engine/plan.js'
import { newRunId } from '../../engine/run-id.js'
import { runOrder } from '../../engine/run-order.js'
import { approvalsNeeded } from '../approvals/needed.js'
import { drillHash } from '../approvals/plan-hash.js'
import { requireApprovals } from '../approvals/require.js'
import type { StartRequest } from '../convert.js'
import { holdCluster, orGiveBack } from '../hold-cluster.js'
import { requireFree } from '../require-free.js'
import type { Session, StartedRun } from '../session.js'
import { conversionRun } from '../session-run.js'
import { verifyCluster } from '../verify.js'
import { type DrillTimes, drillOrder } from './drill-order.js'
import { withDrillRemedy } from './drill-remedy.js'
import { type Scenario, scenarios } from './scenarios.js'

export interface DrillRequest extends DrillTimes {
  readonly file: ClusterFile
  readonly fileText: string
  /** Ids of scenarios; unset: all but the cold start. */
  readonly only?: readonly string[]
  readonly coldStart?: boolean
  readonly by?: StartRequest['by']
  readonly onEvent?: StartRequest['onEvent']
}

/** What a drill would take down now. Plain data. */
export interface DrillPlan {
  readonly cluster: string
  readonly verification: Verification
  readonly downSeconds: number
  readonly restoreAfterSeconds: number
  readonly abrupt: boolean
  /** How many approvers have to sign it before it may run. */
  readonly approvals: number
  /** sha256, hex; equal whenever the same would be taken down. */
  readonly hash: string
  readonly scenarios: readonly { readonly id: string; readonly title: string; readonly nodes: readonly string[] }[]
}

/** The requested scenarios, in their order; USAGE for an unknown one. */
export function chosenScenarios({
  only,
  coldStart = false,
}: Pick<DrillRequest, 'only' | 'coldStart'>): readonly Scenario[] {
  const unknown = only?.find((id) => !scenarios.some((one) => one.id === id))
  if (unknown !== undefined) {
    const known = scenarios.map(({ id }) => id).join(', ')
    throw new QuorateError('USAGE', `there is no scenario ${unknown}`, { remedy: `Scenarios: ${known}.` })
  }
  return scenarios.filter(({ id, isColdStart }) => only?.includes(id) ?? (!isColdStart || coldStart))
}

/** What a drill would take down now, and whether the cluster would survive it; CLUSTER_HELD. Changes nothing. */
export async function planDrill(session: Session, request: DrillRequest, signal: AbortSignal): Promise<DrillPlan> {
  const { file } = request
  const chosen = chosenScenarios(request)
  await requireFree(session, file.name)
  const verification = await verifyCluster(session, file, signal)
  const fleet = session.connect()
  try {
    const run = conversionRun(session, fleet, { id: 'verify', file })
    const targets = verification.highlyAvailable ? await Promise.all(chosen.map((one) => one.targets(run))) : []
    const planned = chosen.map(({ id, title }, index) => ({
      ...{ id, title },
      nodes: (targets[index] ?? []).map(({ name }) => name),
    }))
    const { downSeconds, restoreAfterSeconds, abrupt = false } = request
    const plan = {
      ...{ cluster: file.name, approvals: await approvalsNeeded(session, file) },
      ...{ downSeconds, restoreAfterSeconds, abrupt, scenarios: planned.filter(({ nodes }) => nodes.length > 0) },
    }
    return { ...plan, verification, hash: drillHash(plan) }
  } finally {
    fleet.close()
  }
}

/** Runs all proofs, takes the cluster's lease and drills; NOT_HIGHLY_AVAILABLE where the cluster would not survive it. */
export async function startDrill(session: Session, request: DrillRequest): Promise<StartedRun> {
  const { file, fileText, onEvent, by } = request
  const id = newRunId((session.clock?.now ?? Date.now)())
  const plan = await planDrill(session, request, new AbortController().signal)
  requireHighlyAvailable(plan)
  const chosen = chosenScenarios(request).filter((one) => plan.scenarios.some((planned) => planned.id === one.id))
  // Its scenarios have their own watch, from nodes that stay up; a drill measures the outages for which the budget stops a conversion.
  const { watch: _, ...unwatched } = session
  const held = await holdCluster(unwatched, {
    ...{ id, file, onEvent, mayMiss: () => false },
    open: async () => ({ journal: await session.runs.create(id) }),
  })
  return orGiveBack(held, async () => {
    const may = await requireApprovals(session, { cluster: file.name, kind: 'drill', planHash: plan.hash, file, by })
    const order = drillOrder(chosen, request, (seen) => held.emit({ kind: 'availability', ...seen }))
    const approved = await planSteps(order, held.run, { tolerant: false })
    const started = {
      planHash: plan.hash,
      version: session.version,
      clusterFile: fileText,
      ignored: {},
      purpose: 'drill' as const,
      ...may.recorded,
    }
    return held.start(may, async ({ run, context, emit, stop }) => {
      const remedied = (event: RunEvent) => emit(withDrillRemedy(event))
      return withDrillRemedy(await runOrder({ order, run, approved, started, context, emit: remedied, stop }))
    })
  })
}

function requireHighlyAvailable({ cluster, verification }: Pick<DrillPlan, 'cluster' | 'verification'>): void {
  if (verification.highlyAvailable) return
  const missing = verification.proofs.filter(({ holds }) => !holds).map(({ id }) => id)
  throw new QuorateError(
    'NOT_HIGHLY_AVAILABLE',
    `nothing was stopped: ${cluster} would not survive it. Proofs that do not hold: ${missing.join(', ')}`,
    {
      where: cluster,
    },
  )
}
