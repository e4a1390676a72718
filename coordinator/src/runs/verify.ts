import { setMaxListeners } from 'node:events'
import type { ClusterFile } from '../config/cluster-file.js'
import { allProofs } from '../conversion/proofs/all.js'
import { prove, type Verification } from '../conversion/proofs/prove.js'
import { nobodyMissing } from './nobody-missing.js'
import { listRuns } from './read-runs.js'
import type { Session } from './session.js'
import { conversionRun } from './session-run.js'

/** Whether this cluster is highly available now: every proof on the live cluster; changes nothing. */
export async function verifyCluster(session: Session, file: ClusterFile, signal: AbortSignal): Promise<Verification> {
  setMaxListeners(0, signal) // calls to every node listen to it; that is no leak
  const fleet = session.connect()
  try {
    const verified = await prove(
      conversionRun(session, fleet, { id: 'verify', file }),
      session.proofs ?? allProofs,
      signal,
    )
    const waiting = nobodyMissing(await listRuns(session), file)
    if (waiting === undefined) return verified
    return { ...verified, highlyAvailable: false, proofs: [...verified.proofs, waiting] }
  } finally {
    fleet.close()
  }
}
