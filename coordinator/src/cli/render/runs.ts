import { availabilityLine } from '../../engine/availability.js'
import type { RunState } from '../../engine/fold.js'
import { dateAndTime, duration } from './duration.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

/** All runs of a state folder, one a line. */
export function runsText(runs: readonly RunState[], now: number): string {
  if (runs.length === 0) return 'There are no runs yet. `quorate plan -f cluster.yaml` shows what one would do.\n'
  const rows = runs.map((run) => {
    const finished = run.steps.filter(({ state }) => state === 'done' || state === 'skipped').length
    return [
      run.id,
      run.cluster,
      run.missing.length === 0 ? run.outcome : `${run.outcome}, ${run.missing.length} missing`,
      `${finished}/${run.steps.length}`,
      dateAndTime(run.startedAt),
      duration(lastMoment(run, now) - run.startedAt),
    ]
  })
  return table(['RUN', 'CLUSTER', 'STATE', 'STEPS', 'STARTED', 'TOOK'], rows) + runs.map(damageText).join('')
}

function damageText({ id, outcome, error }: RunState): string {
  if (outcome !== 'damaged' || error === undefined) return ''
  return `\n${id}: its journal is damaged: ${printable(error.message)} of ${error.where}\n  next: ${printable(error.remedy)}\n`
}

/** One run: its steps, what fails or runs, and what to do next. */
export function runText(run: RunState, now: number, style: Style): string {
  const steps = run.steps.map((step) => {
    const took =
      step.startedAt === undefined || step.state === 'skipped'
        ? ''
        : duration((step.endedAt ?? lastMoment(run, now)) - step.startedAt)
    return [`  ${step.state}`, step.id, took]
  })
  const open = run.steps.flatMap((step) =>
    step.actions.filter(({ state }) => state !== 'planned' && state !== 'verified').map((record) => ({ step, record })),
  )
  const lines = open.map(({ step, record }) => {
    const said = record.undoError?.message ?? record.error?.message ?? record.progress ?? record.action.does
    return `  ${step.id} on ${record.action.node}: ${record.state}: ${printable(said)}\n`
  })
  const seen = availabilityLine(run.availability)
  return [
    `${style.strong(`Run ${run.id} of ${run.cluster}: ${run.outcome}`)}, started ${dateAndTime(run.startedAt)}, ${duration(lastMoment(run, now) - run.startedAt)}\n`,
    table(['  STATE', 'STEP', 'TOOK'], steps),
    lines.length === 0 ? '' : `\n${lines.join('')}`,
    seen === undefined ? '' : `\n  API: ${seen}\n`,
    missingText(run, style),
    run.error === undefined
      ? ''
      : `\n${style.bad(printable(`${run.error.where}: ${run.error.message}`))}\n  next: ${printable(run.error.remedy)}\n`,
    run.outcome === 'abandoned'
      ? `\nIts coordinator is gone. ${run.rollback === undefined ? `\`quorate resume ${run.id}\` goes on, \`quorate rollback ${run.id}\` undoes it` : `\`quorate rollback ${run.id}\` goes on with the undo`}.\n`
      : '',
  ].join('')
}

function missingText({ id, missing, outcome }: RunState, style: Style): string {
  if (missing.length === 0) return ''
  const lines = missing.map(({ node, since, message, waits }) => {
    const due = waits.length === 0 ? 'all that the run does on a worker' : waits.map(({ step }) => step).join(', ')
    return `  ${node} since ${dateAndTime(since)}: ${printable(message)}\n    waits: ${due}\n`
  })
  const next =
    outcome === 'done' ? `\`quorate resume ${id}\` does it when they are back; \`quorate serve\` by itself.\n` : ''
  return `\n${style.warn('Missing, and done without for now')}\n${lines.join('')}${next}`
}

function lastMoment(run: RunState, now: number): number {
  if (run.endedAt !== undefined) return run.endedAt
  if (run.outcome === 'running') return now
  const moments = run.steps.flatMap((step) => [
    step.startedAt,
    step.endedAt,
    ...step.actions.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt]),
  ])
  return Math.max(run.startedAt, ...moments.filter((moment) => moment !== undefined))
}
