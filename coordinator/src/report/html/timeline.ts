import { failedBefore } from '../attempts.js'
import type { ReportedStep, RunReport } from '../schema.js'
import { duration } from '../words.js'
import { attemptLane, attemptTable } from './attempts.js'
import { axis, cross, mark, strip } from './bars.js'
import { lanes } from './lanes.js'
import { type Html, html } from './markup.js'
import { section } from './parts.js'
import { type TimeScale, timeScale } from './scale.js'

/** The steps as bars over time and, below on the same scale, what clients of the API saw. */
export function timeline(report: RunReport): Html {
  const { startedAt, attempts } = report
  const spans = attempts.map(({ startedAt: from, endedAt: to }) => ({ from, to }))
  const scale = timeScale([{ from: startedAt, to: startedAt }, ...spans])
  return section(
    'timeline',
    'Timeline',
    html`<figure class="timeline">
<figcaption>Each bar is a step, from its first action to its last gate. Below, on the same scale: each way to the API. Red marks failed requests.</figcaption>
<div class="row axis" aria-hidden="true"><span></span>${axis(scale)}<span></span></div>
${attemptLane(report, scale)}<ol>${report.steps.map((step) => stepRow(step, report, scale))}</ol>
<h3>Availability</h3>
${lanes(report, scale)}
${attemptTable(report)}
</figure>`,
  )
}

function stepRow(step: ReportedStep, report: RunReport, scale: TimeScale): Html {
  const { id, title, state, work, durationMs } = step
  const worked = work.length > 0 && state !== 'skipped'
  const time = state === 'skipped' ? 'no change needed' : worked ? duration(durationMs) : 'not started'
  const bars = work.map((one) => {
    const bar = mark(one, scale, { y: -6, height: 12, kind: one.state })
    return one.state === 'failed' ? html`${bar}${cross(scale.at(one.to))}` : bar
  })
  const failed = failedBefore(step, report)
  const said = worked && state !== 'done' ? `${state}, ${time}` : time
  const [row, value] = worked ? ['row', 'value'] : ['row idle', 'value faint']
  return html`<li class="${row}"><span class="label"><a href="#step-${id}">${title}</a></span>${strip(`${title}: ${state}, ${time}${failed === '' ? '' : `, ${failed}`}`, scale, html`${bars}`)}<span class="${value}">${said}${failed === '' ? '' : html`<small>${failed}</small>`}</span></li>`
}
