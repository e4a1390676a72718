import { systemClock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import { leaseStore } from '../engine/lease.js'
import { newRunId } from '../engine/run-id.js'
import type { StatePaths } from './paths.js'

const [patienceMs, pauseMs] = [30_000, 50]

/**
 * Does work on files of the fleet that are read, changed and written as a whole, one process after the other. CLUSTER_HELD where another has held
 * them for half a minute; one that died holds nothing.
 */
export async function alone<T>({ fleetLocks }: StatePaths, work: () => Promise<T>): Promise<T> {
  const locks = leaseStore(fleetLocks)
  for (const deadline = Date.now() + patienceMs; ; await systemClock.sleep(pauseMs)) {
    const lease = await locks.acquire('fleet', newRunId(Date.now())).catch((error: unknown) => {
      if (!(error instanceof QuorateError) || error.code !== 'CLUSTER_HELD' || Date.now() > deadline) throw error
      return undefined
    })
    if (lease !== undefined) return work().finally(() => lease.release())
  }
}
