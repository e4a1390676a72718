import { availabilityLine, totalOf } from '../../engine/availability.js'
import type { ActionRecord, RunState, StepRecord } from '../../engine/fold.js'
import { plural } from '../../report/words.js'
import { duration } from './duration.js'
import { type Paint, printable, type Style } from './style.js'

export interface FrameSize {
  readonly columns: number
  readonly rows: number
}

interface Line {
  readonly text: string
  readonly paint?: Paint
}

const sign = { waiting: '·', running: '▸', skipped: '–', done: '✓', failed: '✗', undone: '↩' } as const

/** A run on a terminal at one moment: done steps, what runs on which node and for how long, what is next. At most `rows` - 1 lines. */
export function frame(
  state: RunState,
  now: number,
  { size, style }: { size: FrameSize; style: Style },
): readonly string[] {
  const finished = state.steps.filter(({ state }) => state === 'done' || state === 'skipped' || state === 'undone')
  const open = state.steps.filter(({ state }) => state === 'running' || state === 'failed')
  const waiting = state.steps.filter(({ state }) => state === 'waiting')
  const head: Line[] = [
    {
      text: `${state.cluster}  run ${state.id}  ${finished.length} of ${plural(state.steps.length, 'step')}  ${duration((state.endedAt ?? now) - state.startedAt)}`,
      paint: style.strong,
    },
  ]
  const seen = availabilityLine(state.availability)
  const isGood = totalOf(state.availability).failed === 0
  const tail: Line[] = [
    ...(waiting[0] === undefined ? [] : [{ text: `  ${sign.waiting} next: ${waiting[0].title}`, paint: style.faint }]),
    ...(seen === undefined ? [] : [{ text: `  API: ${seen}`, paint: isGood ? style.faint : style.bad }]),
  ]
  const room = Math.max(3, size.rows - 1 - head.length - tail.length)
  const running = open
    .flatMap((step) => stepLines(step, now, { style, most: Math.max(2, Math.floor(room / open.length)) }))
    .slice(0, room)
  const done = finished
    .slice(finished.length - Math.max(0, Math.min(finished.length, room - running.length)))
    .map((step) => doneLine(step, now, style))
  const lines = [...head, ...done, ...running, ...tail].slice(0, Math.max(1, size.rows - 1))
  return lines.map(({ text, paint }) => {
    const cut = cutTo(printable(text).replaceAll('\n', ' '), size.columns - 1)
    return paint === undefined ? cut : paint(cut)
  })
}

function doneLine(step: StepRecord, now: number, style: Style): Line {
  if (step.state === 'skipped') return { text: `  ${sign.skipped} ${step.title}: no change needed`, paint: style.faint }
  if (step.state === 'undone') return { text: `  ${sign.undone} ${step.title}: undone`, paint: style.faint }
  return {
    text: `  ${sign.done} ${step.title}  ${duration((step.endedAt ?? now) - (step.startedAt ?? now))}`,
    paint: style.good,
  }
}

function stepLines(step: StepRecord, now: number, { style, most }: { style: Style; most: number }): readonly Line[] {
  const begun = step.actions.filter(({ state }) => state !== 'planned' && state !== 'verified')
  const verified = step.actions.filter(({ state }) => state === 'verified').length
  const count = step.actions.length > 1 ? `  ${verified} of ${step.actions.length}` : ''
  const first: Line = {
    text: `  ${sign[step.state]} ${step.title}${count}  ${duration((step.endedAt ?? now) - (step.startedAt ?? now))}`,
    paint: step.state === 'failed' ? style.bad : style.strong,
  }
  const shown = begun.slice(0, most - 1)
  const lines = shown.map((record) => actionLine(record, now, style))
  if (shown.length < begun.length)
    lines[lines.length - 1] = { text: `      and ${begun.length - shown.length + 1} more nodes`, paint: style.faint }
  return [first, ...lines]
}

function actionLine(
  { action, state, startedAt, progress, error, undoError }: ActionRecord,
  now: number,
  style: Style,
): Line {
  const since = duration(now - (startedAt ?? now))
  switch (state) {
    case 'pending':
      return { text: `      ${action.node}: waits until its agent answers again`, paint: style.warn }
    case 'failed':
      return { text: `      ${action.node}: ${error?.message ?? 'failed'}`, paint: style.bad }
    case 'undoing':
      return { text: `      ${action.node}  undoing: ${progress ?? action.does}` }
    case 'undone':
      return {
        text: `      ${action.node}: undone${error === undefined ? '' : ` after: ${error.message}`}`,
        paint: style.bad,
      }
    case 'undo-failed':
      return { text: `      ${action.node}: could not be undone: ${undoError?.message ?? ''}`, paint: style.bad }
    default:
      return { text: `      ${action.node}  ${since}  ${progress ?? action.does}` }
  }
}

// Counted by code points; a line that the terminal wraps breaks the redrawing.
function cutTo(text: string, columns: number): string {
  const points = [...text]
  return points.length <= columns ? text : `${points.slice(0, Math.max(0, columns - 1)).join('')}…`
}
