import { systemClock } from '@quorate/shared/clock'
import type { ClusterFile } from '../../config/cluster-file.js'
import { newRunId } from '../../engine/run-id.js'
import { runOrder } from '../../engine/run-order.js'
import { requireApprovals } from '../approvals/require.js'
import type { Session, StartedRun } from '../context/session.js'
import type { StartRequest } from '../convert.js'
import { fixOrder } from '../fix-order.js'
import { holdCluster, orGiveBack } from '../hold-cluster.js'
import { orderOf, workersMayMiss } from '../session-run.js'
import { judgeUnknownOutcome } from '../unknown-outcome.js'
import { type FixPlan, requireFixable } from './plan-fix.js'

export interface FixRequest {
  readonly file: ClusterFile
  readonly fileText: string
  /** What was approved. */
  readonly approved: FixPlan
  readonly by?: StartRequest['by']
  readonly onEvent?: StartRequest['onEvent']
}

/** Takes the cluster's lease and runs the steps that fix it: a run like any other, resumed and rolled back by its id. */
export async function startFix(
  session: Session,
  { file, fileText, approved, by, onEvent }: FixRequest,
): Promise<StartedRun> {
  const { plan } = approved
  requireFixable(approved)
  const id = newRunId((session.clock ?? systemClock).now())
  const held = await holdCluster(session, {
    ...{ id, file, onEvent, mayMiss: workersMayMiss(file), missing: plan.missing },
    order: fixOrder(orderOf(session), new Set(plan.steps.map((step) => step.id)), plan.findings),
    open: async () => ({ journal: await session.runs.create(id) }),
  })
  const started = {
    planHash: plan.hash,
    version: session.version,
    clusterFile: fileText,
    ignored: {},
    findings: plan.findings,
    purpose: 'fix' as const,
  }
  const { order, absence } = held.run
  const steps = { order, absence, approved: plan.steps, started, judge: judgeUnknownOutcome }
  return orGiveBack(held, async () => {
    const may = await requireApprovals(session, { cluster: file.name, kind: 'fix', planHash: plan.hash, file, by })
    const begun = { ...steps, started: { ...started, ...may.recorded } }
    return held.start(may, ({ run, context, emit, stop }) => runOrder({ ...begun, run, context, emit, stop }))
  })
}
