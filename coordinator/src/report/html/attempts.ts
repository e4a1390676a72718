import { reasonsOf } from '../attempts.js'
import type { ReportedAttempt, RunReport } from '../schema.js'
import { duration, moment } from '../words.js'
import { cross, mark, percent, strip } from './bars.js'
import { type Html, html } from './markup.js'
import { badge, type Column, type Tone, table } from './parts.js'
import { apart, type TimeScale } from './scale.js'

const tones: Readonly<Record<ReportedAttempt['outcome'], Tone>> = {
  running: 'warn',
  done: 'good',
  failed: 'bad',
  interrupted: 'warn',
  abandoned: 'warn',
}

/** The attempts as bars, with the pauses between them; nothing for a single attempt. */
export function attemptLane({ attempts, pauses }: RunReport, scale: TimeScale): Html | string {
  if (attempts.length < 2) return ''
  const bars = attempts.map(({ startedAt: from, endedAt: to, outcome }) => {
    const bar = mark({ from, to }, scale, { y: -4, height: 8, kind: outcome })
    return outcome === 'failed' ? html`${bar}${cross(scale.at(to))}` : bar
  })
  const lengths = apart(scale.breaks.map(({ at, width, ms }) => ({ at: at + width / 2, ms }))).map(
    ({ at, ms }) => html`<text class="paused" x="${percent(at)}" y="-9" text-anchor="middle">${duration(ms)}</text>`,
  )
  const paused = duration(pauses.reduce((sum, one) => sum + one.durationMs, 0))
  const said = `${attempts.length} attempts, paused for ${paused} between them`
  return html`<div class="row attempts"><span class="label">Attempts<small>a grey gap is a pause, not to scale</small></span>${strip(said, scale, html`${bars}${lengths}`)}<span class="value">${attempts.length} attempts<small>paused for ${paused}</small></span></div>`
}

type Row = ReportedAttempt & { readonly number: number; readonly pauseMs: number | undefined }

const columns: readonly Column<Row>[] = [
  { title: 'No.', of: ({ number }) => number },
  { title: 'Start', of: ({ begun, startedAt }) => `${begun} ${moment(startedAt)}` },
  { title: 'Worked for', of: ({ durationMs }) => duration(durationMs), kind: 'whole' },
  { title: 'End', of: ({ outcome }) => badge(tones[outcome], outcome) },
  { title: 'Why', of: (attempt) => reasonsOf(attempt).join('; ') },
  { title: 'Pause after it', of: ({ pauseMs }) => (pauseMs === undefined ? '' : duration(pauseMs)), kind: 'whole' },
]

/** The work of each process on the run, why it ended, and the pause after it. */
export function attemptTable({ attempts, pauses }: RunReport): Html | string {
  if (attempts.length < 2) return ''
  const rows = attempts.map((one, index) => ({ ...one, number: index + 1, pauseMs: pauses[index]?.durationMs }))
  return html`<h3>Attempts</h3>${table('Each process that worked on the run; times of day are UTC', columns, rows)}`
}
