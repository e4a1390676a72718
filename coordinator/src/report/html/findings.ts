import type { ReportedFinding, RunReport } from '../schema.js'
import { type Html, html } from './markup.js'
import { badge, section, type Tone } from './parts.js'

const tones: Readonly<Record<ReportedFinding['severity'], Tone>> = { error: 'bad', warning: 'warn', info: 'plain' }

/** The findings before the run (of a fix: those that no step fixes), and those that the operator ignores. */
export function findings(report: RunReport): Html {
  const unused = Object.entries(report.ignored).filter(([id]) => !report.findings.some((finding) => finding.id === id))
  const isFix = report.purpose === 'fix'
  return section(
    'findings',
    isFix ? 'What no step fixes' : 'Findings before the run',
    html`${
      report.findings.length === 0
        ? html`<p>${isFix ? 'The steps of this run fix every finding.' : 'The checks found no problem.'}</p>`
        : html`<ul class="findings">${report.findings.map(one)}</ul>`
    }${
      unused.length === 0
        ? ''
        : html`<h3>Ignored in the cluster file, not found</h3><ul>${unused.map(
            ([id, reason]) => html`<li><code>${id}</code>: ${reason}</li>`,
          )}</ul>`
    }`,
  )
}

const one = ({ id, severity, node, message, evidence, remedy, ignoredBecause }: ReportedFinding): Html =>
  html`<li><p>${badge(tones[severity], severity)} ${ignoredBecause === undefined ? '' : badge('plain', 'ignored')} <code>${id}</code>${node === undefined ? '' : ` on ${node}`}</p><p><strong>${message}</strong></p><dl>${evidence === '' ? '' : html`<dt>Seen</dt><dd class="code">${evidence}</dd>`}<dt>Remedy</dt><dd>${remedy}</dd>${ignoredBecause === undefined ? '' : html`<dt>Ignored because</dt><dd>${ignoredBecause}</dd>`}</dl></li>`
