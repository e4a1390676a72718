import type { RunEvent } from '../../engine/events.js'
import { planSteps } from '../../engine/plan.js'
import { newRunId } from '../../engine/run-id.js'
import { runOrder } from '../../engine/run-order.js'
import { requireApprovals } from '../approvals/require.js'
import type { Session, StartedRun } from '../context/session.js'
import { holdCluster, orGiveBack } from '../hold-cluster.js'
import { requireSamePlan } from '../plan.js'
import { drillOrder } from './drill-order.js'
import { withDrillRemedy } from './drill-remedy.js'
import { chosenScenarios, type DrillRequest, optionsOf, planDrill, requireHighlyAvailable } from './plan-drill.js'

/**
 * Runs all proofs, takes the cluster's lease and drills; NOT_HIGHLY_AVAILABLE where the cluster would not survive it, PLAN_CHANGED where it would
 * take down what was not read.
 */
export async function startDrill(session: Session, request: DrillRequest): Promise<StartedRun> {
  const { file, fileText, planHash, onEvent, by } = request
  const id = newRunId((session.clock?.now ?? Date.now)())
  const plan = await planDrill(session, request, new AbortController().signal)
  requireHighlyAvailable(plan)
  requireSamePlan(plan, planHash)
  const chosen = chosenScenarios(request).filter((one) => plan.scenarios.some((planned) => planned.id === one.id))
  // Its scenarios have their own watch, from nodes that stay up; a drill measures the outages for which the budget stops a conversion.
  const { watch: _, ...unwatched } = session
  const held = await holdCluster(unwatched, {
    ...{ id, file, onEvent, mayMiss: () => false },
    open: async () => ({ journal: await session.runs.create(id) }),
  })
  return orGiveBack(held, async () => {
    const may = await requireApprovals(session, {
      ...{ cluster: file.name, kind: 'drill', planHash: plan.hash, file, by },
      options: optionsOf(request),
    })
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
