import type { RunReport } from '../schema.js'
import { counted, duration, moment, plural } from '../words.js'
import { type Content, type Html, html } from './markup.js'
import type { Tone } from './parts.js'

const tones: Readonly<Record<RunReport['outcome'], Tone>> = {
  done: 'good',
  'rolled-back': 'plain',
  running: 'plain',
  failed: 'bad',
  damaged: 'bad',
  interrupted: 'warn',
  abandoned: 'warn',
}
/** The outcome, the next action, and the numbers that matter most. */
export function verdict(report: RunReport): Html {
  const { cluster, error, startedAt } = report
  const tone = toneOf(report)
  return html`<header class="verdict ${tone}">
<p class="kicker"><strong>Quorate</strong> <span>Report on the cluster ${cluster}, ${moment(startedAt)}</span></p>
<p class="outcome">${report.headline}</p>
<h1>${report.verdict}</h1>
${error === undefined ? '' : html`<p class="cause"><strong>${error.where}:</strong> ${error.message} <code>${error.code}</code></p><p class="next"><strong>Next:</strong> ${error.remedy}</p>`}
</header>
${missingNodes(report)}${elsewhere(report)}
<dl class="figures">${figures(report).map(({ name, value, note, tone: of = 'plain' }) => html`<div class="${of}"><dt>${name}</dt><dd>${value}${note === undefined ? '' : html`<small>${note}</small>`}</dd></div>`)}</dl>`
}

/** A run that is done and leaves something open is a warning. */
function toneOf({ outcome, purpose, missing, findings }: RunReport): Tone {
  const left = purpose === 'fix' && findings.some(({ severity }) => severity === 'error')
  return outcome === 'done' && (left || missing.length > 0) ? 'warn' : tones[outcome]
}

const missingNodes = ({ missing }: RunReport): Content =>
  missing.length === 0
    ? ''
    : html`<div class="notice"><h2>Not converted yet</h2><ul>${missing.map(
        ({ node, since, message, waits }) =>
          html`<li><strong>${node}</strong>, missing since ${moment(since)}: ${message}. Waiting for it: ${waits.map(({ step }) => step).join(', ') || 'every step of a worker'}.</li>`,
      )}</ul></div>`

const elsewhere = (report: RunReport): Content =>
  report.elsewhere.length === 0
    ? ''
    : html`<div class="notice"><h2>Left to do elsewhere</h2><ul>${report.elsewhere.map((sentence) => html`<li>${sentence}</li>`)}</ul></div>`

interface Figure {
  readonly name: string
  readonly value: string
  readonly note?: string
  readonly tone?: Tone
}

function figures(report: RunReport): readonly Figure[] {
  const { seen, touched, site } = report
  const voters = (when: 'before' | 'after') => seen[when]?.members.filter(({ learner }) => !learner).length
  const [before, after] = [voters('before'), voters('after')]
  const names = new Set(touched.map(({ node, name }) => `${node} ${name}`))
  const controlPlanes = site?.nodes.filter(({ role }) => role === 'control-plane').length ?? 0
  return [
    ...availabilityFigures(report),
    timeFigure(report),
    ...(before === undefined && after === undefined
      ? []
      : [{ name: 'etcd voters', value: `${before ?? '?'} \u2192 ${after ?? '?'}`, note: 'before and after' }]),
    { name: 'Written', value: counted(names.size), note: 'files and objects' },
    ...(site === undefined
      ? []
      : [
          {
            name: 'Nodes',
            value: counted(site.nodes.length),
            note: `${plural(controlPlanes, 'control plane')}, ${plural(site.nodes.length - controlPlanes, 'worker')}`,
          },
        ]),
  ]
}

/** Time of work; pauses between attempts are shown and not counted. */
function timeFigure({ durationMs, workedMs, attempts, pauses, steps }: RunReport): Figure {
  const done = `${steps.filter(({ state }) => state === 'done').length} of ${plural(steps.length, 'step')} done`
  if (attempts.length < 2) return { name: 'Time taken', value: duration(durationMs), note: done }
  const paused = duration(pauses.reduce((sum, one) => sum + one.durationMs, 0))
  const note = `${done}, in ${attempts.length} attempts; pauses of ${paused} not counted`
  return { name: 'Time taken', value: duration(workedMs), note }
}

function availabilityFigures({ availability }: RunReport): readonly Figure[] {
  const { asked, failed, longestGapMs } = availability.total
  if (asked === 0) return [{ name: 'Failed requests', value: '\u2013', note: 'not measured in this run' }]
  return [
    {
      name: 'Failed requests',
      value: counted(failed),
      note: `of ${counted(asked)}`,
      tone: failed === 0 ? 'good' : 'bad',
    },
    { name: 'Longest gap', value: duration(longestGapMs), note: 'seen by a client' },
  ]
}
