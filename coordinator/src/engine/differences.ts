import { asQuorateError } from '@quorate/shared/errors'
import { isOpen, type RunState } from './fold.js'
import { type PlannedStep, requireApproved, saysTheSame } from './plan.js'
import type { Action, Step } from './step.js'

/**
 * What a resumed run would do now without approval, one sentence each: verified actions that are needed again, new actions, and diffs that differ
 * from the approved ones. Actions that were begun are not among them: they are finished first.
 */
export function differencesFrom<Run>(
  state: RunState,
  order: readonly Step<Run>[],
  now: readonly PlannedStep[],
): readonly string[] {
  return now.flatMap(({ id, actions }) => {
    const onResume = order.find((step) => step.id === id)?.onResume
    return actions.flatMap((action) => difference(state, { step: id, action, onResume }))
  })
}

interface Planned {
  readonly step: string
  readonly action: Action
  readonly onResume: Step<unknown>['onResume']
}

function difference(state: RunState, { step, action, onResume }: Planned): readonly string[] {
  const records = state.steps.find(({ id }) => id === step)?.actions ?? []
  const record = records.find((one) => one.action.id === action.id)
  if (record !== undefined && isOpen(record)) return []
  // Approving a run without this node includes approving the same actions on it later.
  if (state.missing.some(({ node }) => node === action.node) && record === undefined) return []
  if (record?.state === 'verified') {
    if (onResume !== undefined) return []
    return [`${step} on ${action.node} was done and verified, but is needed again: ${action.does}${diffsOf(action)}`]
  }
  try {
    requireApproved(
      step,
      records.map((one) => one.action),
      [action],
      saysTheSame, // the journal may be of another version
    )
    return []
  } catch (error) {
    return [asQuorateError(error).message]
  }
}

const diffsOf = ({ diffs }: Action): string =>
  diffs
    .filter(({ text }) => text !== '')
    .map(({ text }) => `\n${text.trimEnd()}`)
    .join('')
