import type { ReportedTouch, RunReport } from '../schema.js'
import { plural } from '../words.js'
import { type Content, type Html, html } from './markup.js'
import { badge, type Column, section, shortOnPaper, table } from './parts.js'

/** Longer lines of a diff (a certificate in base64) are cut: they are not readable. */
const longestLine = 200
/** Lines of a diff on paper: enough for a change, not for whole files. */
const linesOnPaper = 16

/** Every file and object that was written, once: where, its hashes before and after, and its diff. */
export function changes({ touched }: RunReport): Html | string {
  const names = [...new Set(touched.map(({ name }) => name))]
  if (names.length === 0) return ''
  return section(
    'changes',
    'Files and objects changed',
    html`<p>Each with its sha256 before and after. In diffs, secrets are replaced by their hash.</p>${names.map(
      (name) =>
        change(
          name,
          touched.filter((one) => one.name === name),
        ),
    )}`,
  )
}

/** On paper as short as in the text report. */
const hash = (sha256: string, none: string): Content =>
  sha256 === '' ? none : shortOnPaper(sha256.slice(0, 12), sha256.slice(12), '')

const columns: readonly Column<ReportedTouch>[] = [
  { title: 'Node', of: ({ node }) => node },
  { title: 'Step', of: ({ step }) => step },
  { title: 'sha256 before', of: ({ sha256Before }) => hash(sha256Before, 'absent'), kind: 'code' },
  { title: 'sha256 after', of: ({ sha256After }) => hash(sha256After, 'removed'), kind: 'code' },
]

function change(name: string, writes: readonly ReportedTouch[]): Html {
  const nodes = [...new Set(writes.map(({ node }) => node))]
  const where = nodes.length > 2 ? plural(nodes.length, 'node') : nodes.join(', ')
  const made = writes.every(({ sha256Before }) => sha256Before === '')
  const removed = writes.some(({ sha256After }) => sha256After === '')
  const word = made && removed ? 'created and removed' : made ? 'created' : removed ? 'removed' : 'changed'
  return html`<details><summary class="step"><span class="what"><code>${name}</code></span>${badge('plain', word)}<span class="value">${where}</span></summary>${diffs(writes, where)}${table(`Writes of ${name}`, columns, writes)}</details>`
}

/** A diff that repeats on many nodes is shown once, with the nodes above it unless these are all nodes of the summary. */
function diffs(writes: readonly ReportedTouch[], where: string): Html {
  const same = new Map<string, { readonly text: string; readonly nodes: string[] }>()
  for (const { node, diff } of writes) {
    if (diff === undefined) continue
    const changed = diff.slice(diff.indexOf('\n@@'))
    const known = same.get(changed)
    if (known === undefined) same.set(changed, { text: diff, nodes: [node] })
    else known.nodes.push(node)
  }
  return html`${[...same.values()]
    .map(({ text, nodes }) => ({ text, names: [...new Set(nodes)].join(', ') }))
    .map(
      ({ text, names }) =>
        html`<figure class="diff">${names === where ? '' : html`<figcaption>${names}</figcaption>`}<pre tabindex="0">${diffLines(text)}</pre></figure>`,
    )}`
}

function diffLines(text: string): Content {
  const lines = text.trimEnd().split('\n').map(line)
  const more = lines.length - linesOnPaper
  if (more < 4) return lines
  const rest = `\u2026 ${more} more lines: see the page on screen or the JSON report`
  return shortOnPaper(lines.slice(0, linesOnPaper), lines.slice(linesOnPaper), rest)
}

function line(text: string): Html {
  const cut = shortened(text.length > longestLine ? `${text.slice(0, longestLine)}\u2026` : text)
  if (/^(\+\+\+|---|@@)/.test(text)) return html`<span class="file">${cut}\n</span>`
  if (text.startsWith('+')) return html`<ins>${cut}\n</ins>`
  return text.startsWith('-') ? html`<del>${cut}\n</del>` : html`${cut}\n`
}

/** A certificate in base64 would wrap into four lines on paper. */
function shortened(text: string): Content {
  const end = (/\S{100}/.exec(text)?.index ?? text.length) + 24
  return end >= text.length ? text : shortOnPaper(text.slice(0, end), text.slice(end), '\u2026')
}
