import type { ConversionStep } from '../conversion/context/step.js'
import { untilProved } from '../conversion/proofs/until-proved.js'
import { backUpFiles } from '../conversion/steps/back-up-files.js'
import { proveHa } from '../conversion/steps/prove-ha.js'
import type { RunState } from '../engine/fold.js'
import type { RecordedFinding } from '../engine/recorded-finding.js'

/**
 * A fix is the conversion's own order with some of its steps only: after a backup of what they touch, closed by all proofs. What no step
 * mends was told before it began (`remaining`), so it fails nothing.
 */
export function fixOrder(
  order: readonly ConversionStep[],
  steps: ReadonlySet<string>,
  remaining: readonly RecordedFinding[],
): readonly ConversionStep[] {
  const chosen = order.filter(({ id }) => steps.has(id) || id === backUpFiles.id || id === proveHa.id)
  const ids = new Set(chosen.map(({ id }) => id))
  return chosen.map((step) => {
    if (step.id === proveHa.id)
      return {
        ...step,
        verify: (run, _action, signal) => untilProved(run, { signal, deadlineMs: 60_000, remaining }),
      }
    // The step that its gate must precede is not here: then it precedes the proofs.
    const isLate = step.settleBefore !== undefined && !ids.has(step.settleBefore)
    return isLate ? { ...step, settleBefore: proveHa.id } : step
  })
}

/** The order that a run walked, for who goes on with it: all of it, or for a fix what its journal names. */
export function orderOfRun(state: RunState, order: readonly ConversionStep[]): readonly ConversionStep[] {
  return state.purpose === 'fix' ? fixOrder(order, new Set(state.steps.map(({ id }) => id)), state.findings) : order
}
