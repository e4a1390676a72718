import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFile } from '../../config/cluster-file.js'
import type { Verification } from '../../conversion/proofs/prove.js'
import { approvalsNeeded } from '../approvals/needed.js'
import { drillHash } from '../approvals/plan-hash.js'
import type { Session } from '../context/session.js'
import type { StartRequest } from '../convert.js'
import { requireFree } from '../require-free.js'
import { conversionRun } from '../session-run.js'
import { verifyCluster } from '../verify.js'
import type { DrillTimes } from './drill-order.js'
import { type Scenario, scenarios } from './scenarios.js'

export interface DrillRequest extends DrillTimes {
  readonly file: ClusterFile
  readonly fileText: string
  /** Ids of scenarios; unset: all but the cold start. */
  readonly only?: readonly string[]
  readonly coldStart?: boolean
  /** Hash of the plan that was read; unset: what would be taken down now. */
  readonly planHash?: string
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

/** What a drill may be told of its times, in seconds, and what it takes where it is told nothing. */
export const drillTimes = {
  downSeconds: { least: 1, most: 120, usual: 15 },
  restoreAfterSeconds: { least: 10, most: 600, usual: 120 },
} as const

/** Time for the request to restart a part to reach its node. */
const marginSeconds = 5

/** USAGE for an unknown scenario, and where nodes would restart a part while the drill keeps it down. */
export function requireDrillable(request: Omit<DrillRequest, 'file' | 'fileText'>): void {
  chosenScenarios(request)
  const { downSeconds: down, restoreAfterSeconds: restore } = request
  if (restore >= down + marginSeconds) return
  throw new QuorateError('USAGE', `a restart after ${restore} s leaves no time after ${down} s down`, {
    remedy: `Use at least ${down + marginSeconds} s (--restore-after): the node would restart the part while the drill keeps it down.`,
  })
}

/** The options of `quorate drill` that request this; none for the usual drill. */
export function optionsOf(request: Omit<DrillRequest, 'file' | 'fileText'>): readonly string[] {
  const { only, coldStart = false, abrupt = false, downSeconds, restoreAfterSeconds } = request
  const seconds = (option: string, value: number, usual: number) => (value === usual ? [] : [`${option} ${value}`])
  return [
    ...(only === undefined ? [] : [`--only ${only.join()}`]),
    ...(coldStart ? ['--cold-start'] : []),
    ...seconds('--down-for', downSeconds, drillTimes.downSeconds.usual),
    ...seconds('--restore-after', restoreAfterSeconds, drillTimes.restoreAfterSeconds.usual),
    ...(abrupt ? ['--abrupt'] : []),
  ]
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
  requireDrillable(request)
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

/** NOT_HIGHLY_AVAILABLE where the cluster would not survive the drill: it neither starts nor is approved. */
export function requireHighlyAvailable({ cluster, verification }: Pick<DrillPlan, 'cluster' | 'verification'>): void {
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
