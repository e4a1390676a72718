import type { RunState } from '../engine/fold.js'
import type { Proved } from './prove.js'

/** Runs that went on without a node and are not undone, for one cluster. */
export const waitingRuns = (runs: readonly RunState[], cluster: string): readonly RunState[] =>
  runs.filter((run) => run.cluster === cluster && run.outcome !== 'rolled-back' && run.missing.length > 0)

/** What `verify` says as long as something waits for a node that was missing: not silently fine. Undefined where nothing does. */
export function waitingProof(waiting: readonly RunState[]): Proved | undefined {
  if (waiting.length === 0) return undefined
  const id = 'nobody-missing'
  const findings = waiting.flatMap(({ id: run, missing }) =>
    missing.map(({ node, message, since }) => ({
      id,
      severity: 'error' as const,
      node,
      message: `run ${run} went on without it: it is not converted, and is lost with the first control plane`,
      evidence: `missing since ${new Date(since).toISOString()}: ${message}`,
      remedy: `When its agent answers: \`quorate resume ${run}\`.`,
    })),
  )
  return { id, title: 'No run waits for a node that was missing', holds: false, evidence: [], findings }
}
