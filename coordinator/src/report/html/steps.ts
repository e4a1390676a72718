import { failedBefore, inShort } from '../attempts.js'
import type { ReportedAction, ReportedStep, RunReport } from '../schema.js'
import { isHash } from '../text.js'
import { counted, duration, plural } from '../words.js'
import { type Html, html } from './markup.js'
import { badge, section, shortOnPaper, type Tone, table } from './parts.js'

const stepTones: Readonly<Record<ReportedStep['state'], Tone>> = {
  waiting: 'plain',
  running: 'warn',
  skipped: 'plain',
  done: 'good',
  failed: 'bad',
  undone: 'plain',
}
const actionTones: Readonly<Record<ReportedAction['state'], Tone>> = {
  planned: 'plain',
  running: 'warn',
  pending: 'warn',
  verified: 'good',
  failed: 'bad',
  undoing: 'warn',
  undone: 'plain',
  'undo-failed': 'bad',
}

/** Each step with its actions and the evidence of its gate on each node. */
export const steps = (report: RunReport): Html =>
  section(
    'steps',
    'Steps and their gates',
    html`<p>A step is done when its gate holds. <span class="on-screen">Open a step to read the evidence.</span></p>${report.steps.map((step, index) => one(step, index, report))}`,
  )

function one(step: ReportedStep, index: number, report: RunReport): Html {
  const { id, title, state, durationMs, proofs, actions } = step
  const said = state === 'skipped' ? 'no change needed' : state === 'waiting' ? 'not started' : duration(durationMs)
  const seen = actions.reduce((sum, { evidence }) => sum + evidence.length, 0)
  const heading = html`<span class="number">${index + 1}</span><span class="what">${title} <code>${id}</code></span>${badge(stepTones[state], state === 'skipped' ? 'no change needed' : state)}<span class="value">${state === 'skipped' ? '' : said}${seen === 0 ? '' : `, ${counted(seen)} seen`}</span>`
  if (actions.length === 0) return html`<div class="step" id="step-${id}">${heading}</div>`
  const open = actions.some(({ error }) => error !== undefined) ? html` open` : ''
  return html`<details id="step-${id}"${open}><summary class="step">${heading}</summary>${failures(step, report)}${proved(proofs)}${actions.map(action)}</details>`
}

/** The preconditions of a step; on paper only their number, because they repeat for every step. */
const proved = (proofs: readonly Seen[]): Html =>
  proofs.length === 0
    ? html``
    : html`<div class="on-screen">${seenTable('Preconditions, verified again just before the step', proofs)}</div><p class="on-paper faint">${plural(proofs.length, 'precondition')} verified again just before the step.</p>`

/** Failures of earlier attempts; the action shows an error that still stands. */
function failures(step: ReportedStep, report: RunReport): Html | string {
  if (failedBefore(step, report) === '') return ''
  const standing = new Set(step.actions.flatMap(({ error, undoError }) => [error?.message, undoError?.message]))
  const earlier = report.attempts.flatMap((attempt, index) =>
    attempt.failures
      .filter((one) => one.step === step.id && !standing.has(one.error.message))
      .map((one) => ({ ...one, attempt: index + 1 })),
  )
  return html`${earlier.map(
    ({ attempt, node, undo, error }) =>
      html`<p class="cause"><strong>${undo ? 'Undo failed' : 'Failed'} in attempt ${attempt} on ${node}:</strong> ${shortOnPaper('', error.message, inShort(error.message))} <code>${error.code}</code></p>`,
  )}`
}

function action({ node, does, state, durationMs, summaries, evidence, error, undoError }: ReportedAction): Html {
  const told = evidence.filter((each) => !isHash(each))
  const hashes = evidence.length - told.length
  return html`<div class="action"><h3>${node}: ${does} ${badge(actionTones[state], state)} <small>${state === 'planned' ? '' : duration(durationMs)}</small></h3>
${error === undefined ? '' : html`<p class="cause"><strong>Failed:</strong> ${error.message} <code>${error.code}</code> <strong>Next:</strong> ${error.remedy}</p>`}
${undoError === undefined ? '' : html`<p class="cause"><strong>Could not be undone:</strong> ${undoError.message}</p>`}
${summaries.length === 0 ? '' : html`<ul class="summaries">${counts(summaries).map(([text, count]) => html`<li>${text}${count === 1 ? '' : `, ${count} times`}</li>`)}</ul>`}
${seenTable(`Evidence of the gate for ${node}`, told)}${hashes === 0 ? '' : html`<p class="faint">and ${plural(hashes, 'file or object', 'files and objects')} copied, each with its sha256 (in the JSON report)</p>`}</div>`
}

/** Counts repeated texts: a retried action reports the same again. */
function counts(texts: readonly string[]): readonly (readonly [string, number])[] {
  const counted = new Map<string, number>()
  for (const text of texts) counted.set(text, (counted.get(text) ?? 0) + 1)
  return [...counted]
}

type Seen = ReportedAction['evidence'][number]

function seenTable(caption: string, seen: readonly Seen[]): Html {
  if (seen.length === 0) return html``
  const columns = [
    { title: 'What', of: ({ what }: Seen) => what },
    { title: 'Saw', of: ({ saw }: Seen) => saw },
    { title: 'At', of: ({ at }: Seen) => (at === undefined ? '' : new Date(at).toISOString().slice(11, 19)) },
  ]
  return table(caption, columns, seen)
}
