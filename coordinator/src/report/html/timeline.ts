import type { ReportedStep, RunReport } from '../schema.js'
import { axis, mark, strip } from './bars.js'
import { lanes } from './lanes.js'
import { type Html, html } from './markup.js'
import { section } from './parts.js'
import { type Span, type TimeScale, timeScale } from './scale.js'
import { duration } from './words.js'

/** The steps as bars over time, and under them, on the same scale, what clients of the API saw meanwhile. */
export function timeline(report: RunReport): Html {
  const scale = timeScale(spansOf(report))
  return section(
    'timeline',
    'Timeline',
    html`<figure class="timeline">
<figcaption>Each bar is a step, from its first action to its last gate. Under them, on the same scale, each way to the API: red is where a request failed.</figcaption>
<div class="row axis" aria-hidden="true"><span></span>${axis(scale)}<span></span></div>
<ol>${report.steps.map((step) => stepRow(step, scale))}</ol>
<h3>Availability</h3>
${lanes(report, scale)}
${pauses(scale)}
</figure>`,
  )
}

/** Steps whose gates are watched later span what others do: actions say better when something was done. */
function spansOf({ steps, availability, startedAt }: RunReport): readonly Span[] {
  const actions = steps.flatMap(({ actions: all }) => all)
  const worked = [...steps.filter(({ actions: all }) => all.length === 0), ...actions].flatMap(
    ({ startedAt: from, endedAt: to }) => (from === undefined ? [] : [{ from, to: to ?? from }]),
  )
  return [{ from: startedAt, to: startedAt }, ...worked, ...availability.steps.flatMap(({ ways }) => ways)]
}

function stepRow({ id, title, state, startedAt, endedAt, durationMs }: ReportedStep, scale: TimeScale): Html {
  const worked = startedAt !== undefined && state !== 'skipped'
  const time = state === 'skipped' ? 'already so' : worked ? duration(durationMs) : 'not begun'
  const bar = worked
    ? mark({ from: startedAt, to: endedAt ?? startedAt }, scale, { y: -6, height: 12, kind: state })
    : ''
  const said = worked && state !== 'done' ? `${state}, ${time}` : time
  const [row, value] = worked ? ['row', 'value'] : ['row idle', 'value faint']
  return html`<li class="${row}"><span class="label"><a href="#step-${id}">${title}</a></span>${strip(`${title}: ${state}, ${time}`, scale, bar)}<span class="${value}">${said}</span></li>`
}

const pauses = ({ breaks }: TimeScale): Html | string =>
  breaks.length === 0
    ? ''
    : html`<p class="faint">A dotted line is a pause of the run, drawn shorter than it was; times of day are UTC.</p>`
