import type { ClusterFile } from '../config/cluster-file.js'
import type { Proved } from '../conversion/proofs/prove.js'
import type { RunState } from '../engine/fold.js'

const id = 'conversion-undone'

/** Why `verify` finds a cluster as it was before its conversion: the last one was rolled back. Undefined if it was not; `runs` newest first. */
export function undoneProof(runs: readonly RunState[], { name }: ClusterFile): Proved | undefined {
  // A fix that was rolled back leaves the conversion before it.
  const last = runs.find(({ cluster, purpose }) => cluster === name && purpose === undefined)
  if (last === undefined || last.outcome !== 'rolled-back') return undefined
  const at = last.endedAt === undefined ? '' : ` on ${new Date(last.endedAt).toISOString()}`
  const finding = {
    id,
    severity: 'warning' as const,
    message: `the last conversion, run ${last.id}, was rolled back: the cluster is as it was before that run`,
    evidence: `rolled back${at}`,
    remedy: 'To convert the cluster again, run `quorate convert -f cluster.yaml`.',
  }
  return { id, title: 'The last conversion was not rolled back', holds: false, evidence: [], findings: [finding] }
}
