import type { Fleet } from '../fleet/fleet.js'
import { gently } from '../fleet/gently.js'
import type { Session } from './context/session.js'

/** Connections for a command that only looks: while a run holds the cluster, that run comes first. Without a name: while one holds any cluster of this state folder. */
export async function connectToLook(session: Session, cluster?: string): Promise<Fleet> {
  const fleet = session.connect()
  const holder = await session.leases.holder(cluster).catch(() => undefined)
  return holder === undefined ? fleet : gently(fleet)
}
