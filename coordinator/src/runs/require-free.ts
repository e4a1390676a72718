import { QuorateError } from '@quorate/shared/errors'
import type { Session } from './context/session.js'

/** CLUSTER_HELD while a run holds the cluster. A run in progress makes proofs fail: the run itself is the better message. */
export async function requireFree(session: Session, cluster: string): Promise<void> {
  const holder = await session.leases.holder(cluster)
  if (holder !== undefined)
    throw new QuorateError('CLUSTER_HELD', `run ${holder.run} holds this cluster: nothing was started`, {
      where: cluster,
    })
}
