import { catalogue, exitCode, isErrorCode } from '@quorate/shared/errors'
import type { RunState } from '../engine/fold.js'
import type { RunOutcome } from '../engine/run-order.js'

/** Exit code of a run that ended. A run whose cluster was taken over has stopped, whatever it was doing. */
export function exitCodeOf({ outcome, needsPerson, error }: RunOutcome): number {
  if (outcome === 'done') return exitCode.done
  if (outcome === 'interrupted') return exitCode.interrupted
  if (error?.code === 'FENCED' || error?.code === 'CLUSTER_HELD') return exitCode.clusterHeld
  return needsPerson ? exitCode.needsPerson : exitCode.stepFailed
}

/** The same from a journal, which keeps errors by their codes. */
export function exitCodeOfRun(run: RunState): number {
  const { outcome, error } = run
  if (outcome === 'damaged') return exitCode.needsPerson
  if (outcome === 'abandoned') return exitCode.stepFailed
  if (outcome === 'running' || outcome === 'rolled-back') return exitCode.done
  const errors = [error, ...run.steps.flatMap(({ actions }) => actions.map(openUndoError))]
  const needsPerson = errors.some(
    (one) => one !== undefined && isErrorCode(one.code) && catalogue[one.code].exit === 'needsPerson',
  )
  return exitCodeOf({ outcome, needsPerson, ...(error === undefined ? {} : { error }) })
}

const openUndoError = ({ state, undoError }: RunState['steps'][number]['actions'][number]) =>
  state === 'undo-failed' ? undoError : undefined
