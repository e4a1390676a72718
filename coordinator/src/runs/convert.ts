import { systemClock } from '@quorate/shared/clock'
import type { ClusterFile } from '../config/cluster-file.js'
import { acceptedOf } from '../conversion/context/accepted.js'
import type { RecordedEvent } from '../engine/events.js'
import { newRunId } from '../engine/run-id.js'
import { runOrder } from '../engine/run-order.js'
import { requireApprovals, type Starter } from './approvals/require.js'
import type { Session, StartedRun } from './context/session.js'
import { holdCluster, orGiveBack } from './hold-cluster.js'
import { approve, type Plan } from './plan.js'
import { workersMayMiss } from './session-run.js'
import { judgeUnknownOutcome } from './unknown-outcome.js'

export interface StartRequest {
  readonly file: ClusterFile
  /** The cluster file as text, for the journal. */
  readonly fileText: string
  /** The plan that was approved. */
  readonly approved: Plan
  /** Who starts it; unset: unknown. */
  readonly by?: Starter
  /** Called with each event after it is in the journal. */
  onEvent?(event: RecordedEvent): void
}

/** Takes the cluster's lease and starts the approved plan; resolves as soon as the run is in its journal. */
export async function startConversion(session: Session, request: StartRequest): Promise<StartedRun> {
  approve(request.approved)
  const id = newRunId((session.clock ?? systemClock).now())
  const { file, approved, by } = request
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
  return orGiveBack(held, async () => {
    // Under the lease: an approval counts for one run only.
    const may = await requireApprovals(session, {
      ...{ cluster: file.name, kind: 'convert', planHash: approved.hash, file, by },
    })
    const begun = { ...steps, started: { ...started, ...may.recorded } }
    return held.start(may, ({ run, context, emit, stop }) => runOrder({ ...begun, run, context, emit, stop }))
  })
}
