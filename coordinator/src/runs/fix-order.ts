import type { ConversionStep } from '../conversion/context/step.js'
import { untilProved } from '../conversion/proofs/until-proved.js'
import { backUpFiles } from '../conversion/steps/back-up-files.js'
import { proveHa } from '../conversion/steps/prove-ha.js'
import type { RunState } from '../engine/fold.js'
import type { RecordedFinding } from '../engine/recorded-finding.js'

/**
 * A fix is the conversion's own order with only some of its steps: first a backup of what they touch, at the end all proofs. What no step fixes
 * was reported before it began (`remaining`), so it does not fail the run.
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
    // Without the step that its gate must precede, it precedes the proofs.
    const isLate = step.settleBefore !== undefined && !ids.has(step.settleBefore)
    return isLate ? { ...step, settleBefore: proveHa.id } : step
  })
}

/** The order of a run that is resumed or rolled back: all of it, or for a fix the steps in its journal. */
export function orderOfRun(state: RunState, order: readonly ConversionStep[]): readonly ConversionStep[] {
  return state.purpose === 'fix' ? fixOrder(order, new Set(state.steps.map(({ id }) => id)), state.findings) : order
}
