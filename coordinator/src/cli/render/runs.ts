import { endedBadly, pausesOf, workedMs } from '../../engine/attempts.js'
import { availabilityLine } from '../../engine/availability.js'
import type { RunState, StepRecord } from '../../engine/fold.js'
import { dateAndTime, duration } from './duration.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

/** All runs of a state folder, one per line. */
export function runsText(runs: readonly RunState[], now: number): string {
  if (runs.length === 0) return 'No runs yet. `quorate plan -f cluster.yaml` shows what one would do.\n'
  const rows = runs.map((run) => {
    const finished = run.steps.filter(({ state }) => state === 'done' || state === 'skipped').length
    return [
      run.id,
      run.cluster,
      stateText(run),
      `${finished}/${run.steps.length}`,
      dateAndTime(run.startedAt),
      duration(took(run, now)),
    ]
  })
  return table(['RUN', 'CLUSTER', 'STATE', 'STEPS', 'STARTED', 'TOOK'], rows) + runs.map(damageText).join('')
}

function stateText({ missing, outcome, purpose }: RunState): string {
  const kind = purpose === undefined ? '' : `${purpose} `
  return `${kind}${outcome}${missing.length === 0 ? '' : `, ${missing.length} missing`}`
}

function damageText({ id, outcome, error }: RunState): string {
  if (outcome !== 'damaged' || error === undefined) return ''
  return `\n${id}: its journal is damaged: ${printable(error.message)} of ${error.where}\n  next: ${printable(error.remedy)}\n`
}

/** One run: its steps, what failed or runs, and what to do next. */
export function runText(run: RunState, now: number, style: Style): string {
  const steps = run.steps.map((step) => {
    const idle = step.startedAt === undefined || step.state === 'skipped'
    return [`  ${step.state}`, step.id, idle ? '' : duration(took(run, now, step))]
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
    `${style.strong(`Run ${run.id} of ${run.cluster}: ${run.outcome}`)}, started ${dateAndTime(run.startedAt)}, ${duration(took(run, now))}\n`,
    table(['  STATE', 'STEP', 'TOOK'], steps),
    lines.length === 0 ? '' : `\n${lines.join('')}`,
    attemptsText(run, now),
    seen === undefined ? '' : `\n  API: ${seen}\n`,
    missingText(run, style),
    run.error === undefined
      ? ''
      : `\n${style.bad(printable(`${run.error.where}: ${run.error.message}`))}\n  next: ${printable(run.error.remedy)}\n`,
    run.outcome === 'abandoned'
      ? `\nIts coordinator is gone. ${run.rollback === undefined ? `\`quorate resume ${run.id}\` continues it, \`quorate rollback ${run.id}\` undoes it` : `\`quorate rollback ${run.id}\` continues the rollback`}.\n`
      : '',
  ].join('')
}

function missingText({ id, missing, outcome }: RunState, style: Style): string {
  if (missing.length === 0) return ''
  const lines = missing.map(({ node, since, message, waits }) => {
    const due =
      waits.length === 0 ? 'everything that the run does on a worker' : waits.map(({ step }) => step).join(', ')
    return `  ${node} since ${dateAndTime(since)}: ${printable(message)}\n    waits: ${due}\n`
  })
  const next =
    outcome === 'done'
      ? `When they are back, run \`quorate resume ${id}\`. \`quorate serve\` does it automatically.\n`
      : ''
  return `\n${style.warn('Missing nodes; the run continued without them')}\n${lines.join('')}${next}`
}

/** A run with a single attempt needs no line about attempts. */
function attemptsText(run: RunState, now: number): string {
  const { attempts } = run
  if (attempts.length < 2) return ''
  const bad = endedBadly(attempts).map(({ count, how }) => `${count} ${how}`)
  const paused = pausesOf(attempts).reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0)
  return `\n  Attempts: ${attempts.length}${bad.length === 0 ? '' : ` (${bad.join(', ')})`}, ${duration(took(run, now))} of work, paused for ${duration(paused)}\n`
}

/** Time worked on a run or one of its steps: without pauses, and up to now while it runs. */
function took({ attempts, outcome }: RunState, now: number, step?: StepRecord): number {
  const runs = outcome === 'running' && (step === undefined || step.state === 'running')
  return workedMs(attempts, step?.id) + (runs ? Math.max(0, now - (attempts.at(-1)?.to ?? now)) : 0)
}
