import { catalogue, exitCode } from '@quorate/shared/errors'
import type { RunState } from '../engine/fold.js'
import type { RunOutcome } from '../engine/run-order.js'

/** Exit code of a run that ended. */
export function exitCodeOf(outcome: RunOutcome['outcome'], needsPerson: boolean): number {
  if (outcome === 'done') return exitCode.done
  if (outcome === 'interrupted') return exitCode.interrupted
  return needsPerson ? exitCode.needsPerson : exitCode.stepFailed
}

/** The same from a journal, where the errors are kept by their codes. */
export function exitCodeOfRun(run: RunState): number {
  if (run.outcome === 'abandoned') return exitCode.stepFailed
  if (run.outcome === 'running') return exitCode.done
  const errors = [run.error, ...run.steps.flatMap(({ actions }) => actions.map(({ undoError }) => undoError))]
  const needsPerson = errors.some(
    (error) =>
      error !== undefined &&
      error.code in catalogue &&
      catalogue[error.code as keyof typeof catalogue].exit === 'needsPerson',
  )
  return exitCodeOf(run.outcome, needsPerson)
}
