import { loadBalancerTitle } from '../../config/load-balancer-settings.js'
import type { ReportedPicture, ReportedSite } from '../schema.js'
import { plural, shortNames } from '../words.js'
import { type Content, type Html, html } from './markup.js'

/** The picture's measures, in the units of its viewBox. */
const box = { width: 146, height: 138, gap: 11 }
const row = { workers: 6, endpoint: 112, controlPlanes: 208 }
const groupHeight = 46
const pillHeight = 40
const height = row.controlPlanes + box.height + 6
/** More groups of workers than this are drawn as one. */
const mostGroups = 3

type Node = ReportedSite['nodes'][number]

interface Drawn {
  readonly site: ReportedSite
  readonly seen: ReportedPicture
  readonly controlPlanes: readonly Node[]
  readonly width: number
  readonly short: (name: string) => string
}

/** A cluster as a drawing: workers above, the endpoint in the middle, control planes below. */
export function drawing(title: string, site: ReportedSite, seen: ReportedPicture): Html {
  const controlPlanes = site.nodes.filter(({ role }) => role === 'control-plane')
  const width = Math.max(3, controlPlanes.length) * (box.width + box.gap) - box.gap + 4
  const names = shortNames(site.nodes.map(({ name }) => name))
  const drawn: Drawn = { site, seen, controlPlanes, width, short: (name) => clipped(names(name)) }
  return html`<svg class="drawing" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="drawing-${title} drawing-${title}-text"><title id="drawing-${title}">${title}: connections</title><desc id="drawing-${title}-text">The table below shows the same as text.</desc>
${groups(drawn)}${endpoint(drawn)}${controlPlanes.map((node, index) => controlPlane(drawn, node, index))}</svg>`
}

const clipped = (text: string): string => (text.length > 17 ? `${text.slice(0, 16)}\u2026` : text)
const center = (index: number): number => 2 + index * (box.width + box.gap) + box.width / 2
const isUsed = ({ seen }: Drawn): boolean => seen.connections.some(({ to }) => to === 'endpoint')
const isMember = ({ seen }: Drawn, { name, address }: Node): boolean =>
  seen.members.some((member) => member.name === name || member.peerUrl.includes(`//${address}:`))
const runsApiServer = (drawn: Drawn, node: Node): boolean =>
  isMember(drawn, node) || drawn.seen.connections.some(({ to }) => to === node.name)

function endpoint(drawn: Drawn): Content {
  if (!isUsed(drawn)) return ''
  const { site, seen, controlPlanes, width } = drawn
  const leads = controlPlanes.flatMap(({ name }, index) => (seen.backends.includes(name) ? [center(index) - 26] : []))
  const kind = loadBalancerTitle(site.loadBalancer)
  return html`${leads.map((x) => arrow('balanced', { x1: x, y1: row.endpoint + pillHeight, x2: x, y2: row.controlPlanes }))}
<rect class="endpoint" x="2" y="${row.endpoint}" width="${width - 4}" height="${pillHeight}" rx="20"/>
<text class="name" x="${width / 2}" y="${row.endpoint + 17}" text-anchor="middle">${clippedTo(site.endpoint, 52)}</text>
<text x="${width / 2}" y="${row.endpoint + 32}" text-anchor="middle">${[site.virtualIP, kind].filter((part) => part !== undefined).join(', ')}</text>`
}

const clippedTo = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}\u2026` : text

interface Line {
  readonly x1: number
  readonly y1: number
  readonly x2: number
  readonly y2: number
}

/** A line with its head; not an SVG marker, because its colour cannot follow a dark page. */
function arrow(kind: string, { x1, y1, x2, y2 }: Line): Html {
  const angle = Math.atan2(y2 - y1, x2 - x1)
  const wing = (turn: number) => `${round(x2 - 8 * Math.cos(angle + turn))} ${round(y2 - 8 * Math.sin(angle + turn))}`
  return html`<path class="${kind}" d="M${round(x1)} ${round(y1)} L${round(x2)} ${round(y2)} M${wing(0.4)} L${round(x2)} ${round(y2)} L${wing(-0.4)}"/>`
}

const round = (value: number): number => Math.round(value * 10) / 10

/** Workers with the same connections share one box. */
function groups(drawn: Drawn): Content {
  const { site, width } = drawn
  const alike = new Map<string, Node[]>()
  for (const node of site.nodes.filter(({ role }) => role === 'worker')) {
    const ways = connectionsOf(drawn, [node]).map(({ component, to }) => `${component} ${to}`)
    alike.set(ways.join('\n'), [...(alike.get(ways.join('\n')) ?? []), node])
  }
  const kinds = [...alike.values()].sort((a, b) => b.length - a.length)
  const shown = kinds.length > mostGroups ? [kinds.flat()] : kinds
  const each = (width - 4 - box.gap * (shown.length - 1)) / Math.max(1, shown.length)
  return shown.map((nodes, index) => group(drawn, nodes, { left: 2 + index * (each + box.gap), each }))
}

const connectionsOf = ({ seen }: Drawn, nodes: readonly Node[]): ReportedPicture['connections'] =>
  seen.connections.filter(({ node }) => nodes.some(({ name }) => name === node))

function group(drawn: Drawn, nodes: readonly Node[], { left, each }: { left: number; each: number }): Html {
  const { short } = drawn
  const named = nodes.length < 5 && nodes.length * 100 <= each
  const [first, last] = [short(nodes[0]?.name ?? ''), short(nodes.at(-1)?.name ?? '')]
  const title = named ? nodes.map(({ name }) => short(name)).join(', ') : plural(nodes.length, 'worker')
  const note = named ? plural(nodes.length, 'worker') : each < 220 ? `${first} \u2026` : `${first} \u2026 ${last}`
  const x = round(left + each / 2)
  return html`${groupWays(drawn, nodes, { left, each })}<rect class="node" x="${round(left)}" y="${row.workers}" width="${round(each)}" height="${groupHeight}" rx="6"/><text class="name" x="${x}" y="${row.workers + 19}" text-anchor="middle">${title}</text><text x="${x}" y="${row.workers + 36}" text-anchor="middle">${note}</text>`
}

/** One line per target; a connection past an endpoint in use is stale. */
function groupWays(drawn: Drawn, nodes: readonly Node[], { left, each }: { left: number; each: number }): Content {
  const targets = new Map<string, Set<string>>()
  for (const { component, to } of connectionsOf(drawn, nodes))
    targets.set(to, (targets.get(to) ?? new Set()).add(component))
  const from = row.workers + groupHeight
  return [...targets].map(([to, components], place) => {
    const x1 = left + (each * (place + 1)) / (targets.size + 1)
    const server = drawn.controlPlanes.findIndex(({ name }) => name === to)
    const end = to === 'endpoint' ? { x2: x1, y2: row.endpoint } : { x2: center(server) - 26, y2: row.controlPlanes }
    const line = { x1, y1: from, ...end }
    const past = to !== 'endpoint' && isUsed(drawn)
    const text = label([...components].join(', '), along(line, (row.endpoint - from) / 2 / (line.y2 - from)))
    return html`${arrow(past ? 'client stale' : 'client', line)}${text}`
  })
}

const along = ({ x1, y1, x2, y2 }: Line, part: number) => ({ x: x1 + (x2 - x1) * part, y: y1 + (y2 - y1) * part })
const label = (text: string, { x, y }: { x: number; y: number }): Html =>
  html`<text class="halo" x="${round(x)}" y="${round(y + 4)}" text-anchor="middle">${text}</text>`

function controlPlane(drawn: Drawn, node: Node, index: number): Html {
  const { seen, short, controlPlanes } = drawn
  const [x, y] = [center(index), row.controlPlanes]
  const outside = !runsApiServer(drawn, node)
  const frame = html`<rect class="node${outside ? ' outside' : ' serving'}" x="${x - box.width / 2}" y="${y}" width="${box.width}" height="${box.height}" rx="6"/><text class="name" x="${x}" y="${y + 20}" text-anchor="middle">${short(node.name)}</text>`
  if (outside) return html`${frame}<text x="${x}" y="${y + 66}" text-anchor="middle">not in the cluster</text>`
  const member = seen.members.find(({ name, peerUrl }) => name === node.name || peerUrl.includes(`//${node.address}:`))
  const etcd = member === undefined ? 'no etcd member here' : member.learner ? 'etcd: learner' : 'etcd: votes'
  const ways = seen.connections.filter((one) => one.node === node.name)
  const own = ways.filter(({ to }) => to === node.name).map(({ component }) => `\u21bb ${component}`)
  const texts = ['API server', etcd, ...own].map(
    (line, place) =>
      html`<text x="${x}" y="${y + (place < 2 ? 38 : 46) + place * 15}" text-anchor="middle">${line}</text>`,
  )
  const out = ways.filter(({ to }) => to === 'endpoint').map(({ component }) => component)
  const up = { x1: x + 26, y1: y, x2: x + 26, y2: row.endpoint + pillHeight }
  const elsewhere = ways.filter(({ to }) => to !== 'endpoint' && to !== node.name)
  const across = elsewhere.map(({ component, to }) => {
    const other = controlPlanes.findIndex(({ name }) => name === to)
    const line = { x1: x, y1: y + 62, x2: center(other) + (other < index ? 1 : -1) * (box.width / 2), y2: y + 62 }
    return html`${arrow('client stale', line)}${label(component, along(line, 0.5))}`
  })
  return html`${out.length === 0 ? '' : html`${arrow('client', up)}${label(out.join(', '), { x: x + 26, y: y - 26 })}`}${frame}${texts}${across}`
}
