import type { ClusterFile } from '../config/cluster-file.js'
import type { Finding } from '../conversion/context/finding.js'
import type { Proved } from '../conversion/proofs/prove.js'
import type { RunState } from '../engine/fold.js'

const id = 'nobody-missing'

/**
 * What `verify` says as long as a run of this cluster waits for a worker of its file: not silently fine. Undefined where none does; a run that was
 * undone waits for nobody, and who is no longer in the file is gone for good.
 */
export function waitingProof(runs: readonly RunState[], { name, workers }: ClusterFile): Proved | undefined {
  const known = new Set<string>(workers.map((worker) => worker.name))
  const findings = runs
    .filter(({ cluster, outcome }) => cluster === name && outcome !== 'rolled-back')
    .flatMap((run) => run.missing.filter(({ node }) => known.has(node)).map((missing) => findingOf(run, missing)))
  if (findings.length === 0) return undefined
  return { id, title: 'No run waits for a node that was missing', holds: false, evidence: [], findings }
}

const findingOf = ({ id: run }: RunState, { node, message, since }: RunState['missing'][number]): Finding => ({
  id,
  severity: 'error',
  node,
  message: `run ${run} went on without it: it is not converted, and is lost with the first control plane`,
  evidence: `missing since ${new Date(since).toISOString()}: ${message}`,
  remedy: `When its agent answers: \`quorate resume ${run}\`. See docs/runbook.md#missing-workers.`,
})
