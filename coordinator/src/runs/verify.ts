import { setMaxListeners } from 'node:events'
import type { ClusterFile } from '../config/cluster-file.js'
import { allProofs } from '../conversion/proofs/all.js'
import { type Proved, prove, type Verification } from '../conversion/proofs/prove.js'
import { connectToLook } from './connect-to-look.js'
import { listRuns } from './context/read-runs.js'
import type { Session } from './context/session.js'
import { nobodyMissing } from './nobody-missing.js'
import { conversionRun } from './session-run.js'
import { undoneProof } from './undone.js'

/** Whether this cluster is highly available now: every proof on the live cluster; changes nothing. */
export async function verifyCluster(session: Session, file: ClusterFile, signal: AbortSignal): Promise<Verification> {
  setMaxListeners(0, signal) // calls to every node listen to it; that is no leak
  const fleet = await connectToLook(session, file.name)
  try {
    const verified = await prove(
      conversionRun(session, fleet, { id: 'verify', file }),
      session.proofs ?? allProofs,
      signal,
    )
    const runs = await listRuns(session)
    // If another run made it highly available since, what was rolled back explains nothing.
    const undone = verified.highlyAvailable ? undefined : undoneProof(runs, file)
    return withProofs(verified, { first: undone, last: nobodyMissing(runs, file) })
  } finally {
    fleet.close()
  }
}

/** With what the journals add: why the rest does not hold comes first. */
function withProofs(
  verified: Verification,
  { first, last }: { readonly first: Proved | undefined; readonly last: Proved | undefined },
): Verification {
  const proofs = [first, ...verified.proofs, last].filter((proof) => proof !== undefined)
  return { ...verified, highlyAvailable: proofs.every(({ holds }) => holds), proofs }
}
