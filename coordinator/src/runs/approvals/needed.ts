import type { ClusterFile } from '../../config/cluster-file.js'
import type { RunState } from '../../engine/fold.js'
import { clusterFileOf } from '../context/cluster-file-of.js'
import { listRuns } from '../context/read-runs.js'
import type { Session } from '../context/session.js'

/**
 * How many approvals a run of this file needs: what the file says, at least what `quorate serve` requires, and at least what the newest run of the
 * same machines required. So the number is lowered only by a run that was approved under the old one.
 */
export async function approvalsNeeded(session: Session, file: ClusterFile): Promise<number> {
  const newest = (await listRuns(session)).find((run) => isOfSameMachines(run, file))
  const before = newest === undefined ? 0 : (fileOf(newest)?.policy.approvals ?? 0)
  return Math.max(file.policy.approvals, session.leastApprovals ?? 0, before)
}

/** Under another name it is the same cluster. */
function isOfSameMachines(run: RunState, file: ClusterFile): boolean {
  if (run.cluster === file.name) return true
  const known = new Set(fileOf(run)?.controlPlanes.flatMap(({ name, agent }) => [name, agent]))
  return file.controlPlanes.some(({ name, agent }) => known.has(name) || known.has(agent))
}

/** Undefined where its journal has none that can be read. */
function fileOf(run: RunState): ClusterFile | undefined {
  try {
    return clusterFileOf(run)
  } catch {
    return undefined
  }
}
