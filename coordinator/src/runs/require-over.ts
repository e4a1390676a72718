import { QuorateError } from '@quorate/shared/errors'
import { isUnfinished } from '../engine/fold.js'
import { listRuns } from './context/read-runs.js'
import type { Session } from './context/session.js'

/** USAGE while the newest run of a cluster is neither done nor undone: it needs the agents and what they keep. `what` is the option, `--remove`. */
export async function requireOver(session: Session, cluster: string, what: string): Promise<void> {
  const newest = (await listRuns(session)).find((run) => run.cluster === cluster)
  if (newest === undefined || !isUnfinished(newest.outcome)) return
  const { id, outcome } = newest
  throw new QuorateError('USAGE', `run ${id} of this cluster is ${outcome}, and needs the agents and their backups`, {
    where: what,
    remedy: `Finish it with \`quorate resume ${id}\`, or undo it with \`quorate rollback ${id}\`, then run this command again.`,
  })
}
