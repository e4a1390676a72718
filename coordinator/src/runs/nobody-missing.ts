import type { ClusterFile } from '../config/cluster-file.js'
import type { Finding } from '../conversion/context/finding.js'
import type { Proved } from '../conversion/proofs/prove.js'
import type { RunState } from '../engine/fold.js'

const id = 'nobody-missing'

/**
 * The finding of `verify` while a run of this cluster waits for a worker of its file. Undefined where none does; a rolled-back run waits for no node,
 * and a node that is no longer in the file is gone for good.
 */
export function nobodyMissing(runs: readonly RunState[], { name, workers }: ClusterFile): Proved | undefined {
  const known = new Set<string>(workers.map((worker) => worker.name))
  const findings = runs
    .filter(({ cluster, outcome }) => cluster === name && outcome !== 'rolled-back')
    .flatMap((run) => run.missing.filter(({ node }) => known.has(node)).map((missing) => findingOf(run, missing)))
  if (findings.length === 0) return undefined
  return { id, title: 'No run waits for a missing node', holds: false, evidence: [], findings }
}

const findingOf = ({ id: run }: RunState, { node, message, since }: RunState['missing'][number]): Finding => ({
  id,
  severity: 'error',
  node,
  message: `run ${run} continued without it: it is not converted and still depends on the first control plane`,
  evidence: `missing since ${new Date(since).toISOString()}: ${message}`,
  remedy: `When its agent answers, run \`quorate resume ${run}\`. See docs/runbook.md#missing-workers.`,
})
