import type { ReportedPicture, ReportedSite, RunReport } from '../schema.js'
import { plural, shortNames } from '../words.js'
import { drawing } from './drawing.js'
import { type Html, html } from './markup.js'
import { section, table } from './parts.js'

/** The connections before and after, from the kernels of the nodes. */
export function connections(report: RunReport): Html | string {
  const { site, seen } = report
  if (site === undefined || (seen.before === undefined && seen.after === undefined)) return ''
  const wide = site.nodes.filter(({ role }) => role === 'control-plane').length > 3
  return section(
    'picture',
    'Connections',
    html`<div class="pictures${wide ? ' wide' : ''}">${half('Before', site, seen.before)}${half('After', site, seen.after)}</div>
<p class="legend"><span class="key client">a client\u2019s connections</span> <span class="key balanced">the load balancer\u2019s backends, by its configuration</span> <span class="key stale">past the endpoint, or to another node\u2019s API server</span> <span class="key own">\u21bb to its own API server</span></p>
<details><summary>All connections as a table</summary>${connectionTable(report)}</details>`,
  )
}

function half(title: string, site: ReportedSite, seen: ReportedPicture | undefined): Html {
  if (seen === undefined) return html`<figure><figcaption><h3>${title}</h3> Not recorded.</figcaption></figure>`
  return html`<figure><figcaption><h3>${title}</h3> ${inWords(site, seen)}</figcaption>${drawing(title, site, seen)}</figure>`
}

function inWords({ nodes }: ReportedSite, { connections: all, silent }: ReportedPicture): string {
  const short = shortNames(nodes.map(({ name }) => name))
  const count = (of: (one: (typeof all)[number]) => boolean) => all.filter(of).length
  const [endpoint, own] = [count(({ to }) => to === 'endpoint'), count(({ node, to }) => node === to)]
  const others = new Map<string, number>()
  for (const { node, to } of all) if (to !== 'endpoint' && to !== node) others.set(to, (others.get(to) ?? 0) + 1)
  const parts = [
    ...(endpoint === 0 ? [] : [`${endpoint} through the endpoint`]),
    ...(own === 0 ? [] : [`${own} to the node\u2019s own API server`]),
    ...[...others].map(([to, number]) => `${number} from other nodes directly to ${short(to)}`),
  ]
  const unseen = silent.length === 0 ? '' : ` Not seen: ${silent.map(short).join(', ')}.`
  return `Of ${plural(all.length, 'connection')}, ${parts.join(', ') || 'none'}.${unseen}`
}

function connectionTable({ seen: { before, after } }: RunReport): Html {
  const key = ({ node, component }: { node: string; component: string }) => `${node}\n${component}`
  const rows = [...new Set([...(before?.connections ?? []), ...(after?.connections ?? [])].map(key))].sort()
  const to = (seen: ReportedPicture | undefined, row: string) =>
    seen?.connections
      .filter((one) => key(one) === row)
      .map((one) => one.to)
      .join(', ') || '\u2013'
  return table(
    'Every connection of a component to an API server, before and after',
    [
      { title: 'Node', of: (row: string) => row.split('\n')[0] },
      { title: 'Component', of: (row: string) => row.split('\n')[1] },
      { title: 'Before', of: (row: string) => to(before, row) },
      { title: 'After', of: (row: string) => to(after, row) },
    ],
    rows,
  )
}
