import { availabilityLine } from '../../engine/availability.js'
import type { RecordedEvent } from '../../engine/events.js'
import type { RunState, StepRecord } from '../../engine/fold.js'
import type { Evidence } from '../../engine/step.js'
import { plural } from '../../report/words.js'
import { duration, timeOfDay } from './duration.js'
import { printable } from './style.js'

/** One event as one plain line, for a pipe or a log; undefined for events that are not shown. `state` is the run after the event. */
export function eventLine({ at, run, event }: RecordedEvent, state: RunState): string | undefined {
  const line = (text: string) => `${timeOfDay(at)} ${printable(text).replaceAll('\n', ' ')}\n`
  if (event.kind === 'run-started') return line(`run ${run} of ${event.cluster}: ${plural(event.steps.length, 'step')}`)
  if (event.kind === 'run-ended') {
    const seen = availabilityLine(state.availability)
    return line(
      `run ${run} ended: ${event.outcome}, ${duration(at - state.startedAt)}${event.error === undefined ? '' : `: ${event.error.message}`}${seen === undefined ? '' : `; API: ${seen}`}`,
    )
  }
  if (event.kind === 'run-resumed') {
    const differ = event.differences.map((difference) => `; accepted: ${difference}`).join('')
    return line(`run ${run} resumed${differ}`)
  }
  if (event.kind === 'rollback-started') return line(`run ${run} is being undone`)
  if (event.kind === 'run-rolled-back')
    return line(
      `rollback of ${run} finished: ${event.outcome}${event.error === undefined ? '' : `: ${event.error.message}`}`,
    )
  if (event.kind === 'node-missing')
    return line(`${event.node} does not answer: the run continues without it, its actions wait (${event.message})`)
  if (event.kind === 'node-back') return line(`${event.node} is back, no action waits for it`)
  if (event.kind === 'cluster-seen') return undefined
  if (event.kind === 'availability')
    return event.failed === 0
      ? undefined
      : line(`${event.during}: ${event.target} asked from ${event.place}: ${availabilityLine([event])}`)
  const index = state.steps.findIndex(({ id }) => id === event.step)
  const step = state.steps[index]
  const text = stepLine(event, step, at)
  return text === undefined
    ? undefined
    : line(`[${`${index + 1}`.padStart(2)}/${state.steps.length}] ${event.step}: ${text}`)
}

type StepEvent = Extract<RecordedEvent['event'], { readonly step: string }>

function stepLine(event: StepEvent, step: StepRecord | undefined, at: number): string | undefined {
  switch (event.kind) {
    case 'step-started':
      return `${event.title} (${plural(event.actions.length, 'action')})${provedAgain(event.proofs)}`
    case 'step-skipped':
      return 'no change needed'
    case 'step-done':
      return `done, ${duration(at - (step?.startedAt ?? at))}`
    case 'action-started':
      return `${event.action.node}: ${event.action.does}`
    case 'action-continued':
      return `${event.node}: finishing an action started earlier`
    case 'operation-sent':
    case 'operation-failed':
      return undefined
    case 'action-pending':
      return `${event.node}: waits until its agent answers again: ${event.error.message}`
    case 'undo-started':
      return `${event.node}: undoing`
    case 'progress':
      return `${event.node}: ${event.message}`
    case 'operation-done':
      return `${event.node}: ${event.result.summary}`
    case 'action-verified':
      return `${event.node}: verified${seen(event.evidence)}`
    case 'action-failed':
      return `${event.node}: FAILED: ${event.error.message}. ${event.error.remedy}`
    case 'action-undone':
      return `${event.node}: undone${seen(event.evidence)}`
    case 'undo-failed':
      return `${event.node}: COULD NOT BE UNDONE: ${event.error.message}. ${event.error.remedy}`
  }
}

const provedAgain = (proofs: readonly Evidence[] = []): string =>
  proofs.length === 0 ? '' : `; ${plural(proofs.length, 'precondition')} verified again`

/** The report has all of it. */
const mostEvidence = 3

function seen(evidence: readonly Evidence[]): string {
  if (evidence.length === 0) return ''
  const shown = evidence.slice(0, mostEvidence).map(({ what, saw }) => `${what}: ${saw}`)
  const more = evidence.length > mostEvidence ? `; and ${evidence.length - mostEvidence} more` : ''
  return `: ${shown.join('; ')}${more}`
}
