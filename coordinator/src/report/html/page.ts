import { createHash } from 'node:crypto'
import type { RunReport } from '../schema.js'
import { moment } from '../words.js'
import { changes } from './changes.js'
import { certificates, members } from './cluster.js'
import { connections } from './connections.js'
import { findings } from './findings.js'
import { Html, html } from './markup.js'
import { steps } from './steps.js'
import { style } from './style.js'
import { timeline } from './timeline.js'
import { undo } from './undo.js'
import { verdict } from './verdict.js'

/** Nothing is fetched, nothing runs, and only this style applies, whatever text came from a node. */
export const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; img-src data:; base-uri 'none'; form-action 'none'`

/** A run as one self-contained page: for a browser, a phone, or paper. */
export function reportHtml(report: RunReport): string {
  const { cluster, run } = report
  const parts = [
    ['timeline', 'Timeline', timeline(report)],
    ['picture', 'Connections', connections(report)],
    ['findings', 'Findings', findings(report)],
    ['steps', 'Steps and gates', steps(report)],
    ['etcd', 'etcd', members(report)],
    ['certificates', 'Certificates', certificates(report)],
    ['changes', 'Changes', changes(report)],
    ['undo', 'Undo', undo(report)],
  ] as const
  const shown = parts.filter(([, , part]) => part !== '')
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${cluster}: report of run ${run}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
${verdict(report)}
<nav aria-label="Sections">${shown.map(([id, title]) => html`<a href="#${id}">${title}</a> `)}</nav>
${shown.map(([, , part]) => part)}
${footer(report)}
</main>
</body>
</html>
`.markup
}

const footer = ({ run, startedAt, endedAt, version, planHash }: RunReport): Html =>
  html`<footer><dl><dt>Run</dt><dd><code>${run}</code></dd><dt>From</dt><dd>${moment(startedAt)} to ${endedAt === undefined ? 'now (not ended)' : moment(endedAt)}</dd><dt>Program</dt><dd>quorate ${version}</dd><dt>Approved plan</dt><dd><code>${planHash}</code></dd><dt>As JSON</dt><dd><code>quorate report ${run} -o json</code></dd></dl></footer>`
