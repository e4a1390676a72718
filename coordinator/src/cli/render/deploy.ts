import type { FoundNode, NodeEnd } from '../../deploy/deploy.js'
import { duration, plural } from '../../report/words.js'
import { printable, type Style } from './style.js'

/** What is on each node and what would change there; equal nodes in one paragraph. */
export function deployPlanText(nodes: readonly FoundNode[], style: Style): string {
  const groups = new Map<string, FoundNode[]>()
  for (const node of nodes) {
    const { now, does, changes, problem } = node
    const key = JSON.stringify([now, does, changes, problem?.message])
    groups.set(key, [...(groups.get(key) ?? []), node])
  }
  return [...groups.values()].map((group) => groupText(group, style)).join('\n')
}

function groupText(group: readonly FoundNode[], style: Style): string {
  const [first] = group
  if (first === undefined) return ''
  const names = group.map(({ node }) => node.name).join(', ')
  if (first.problem !== undefined)
    return `${style.bad(names)}: ${printable(first.problem.message)}\n  next: ${printable(first.problem.remedy)}\n`
  const changes = first.changes.length === 0 ? ['no change needed'] : first.changes
  return `${style.strong(names)}: ${printable(first.now)}\n${changes.map((change) => `  ${printable(change)}\n`).join('')}`
}

/** How one node ended, what travelled to it and how long it took. */
export const nodeEndText = ({ node, state, bytes, seconds, problem }: NodeEnd, style: Style): string =>
  problem === undefined
    ? `${style.good(node)}: ${state}, ${size(bytes)} sent, ${duration(seconds * 1000)}\n`
    : `${style.bad(node)}: ${printable(problem.message)}\n  next: ${printable(problem.remedy)}\n`

const size = (bytes: number): string =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`

/** The last lines: what happened, and what to type next. */
export function deployClosing(
  {
    found,
    ends,
    removed,
  }: { readonly found: readonly FoundNode[]; readonly ends: readonly NodeEnd[]; readonly removed: boolean },
  file: string,
): string {
  const failed =
    ends.filter(({ state }) => state === 'failed').length + found.filter(({ does }) => does === 'blocked').length
  const done = ends.filter(({ state }) => state === 'done').length
  const same = found.filter(({ does }) => does === 'nothing').length
  const counts = [
    ...(done > 0 ? [`${plural(done, 'node')} done`] : []),
    ...(same > 0 ? [`${plural(same, 'node')} without a change`] : []),
    ...(failed > 0 ? [`${plural(failed, 'node')} not done`] : []),
  ]
  const next = removed
    ? ''
    : failed > 0
      ? 'Next: correct what is named above, then run the same command again.\n'
      : `Next:\n  quorate plan -f ${file}\n`
  const sent = ends.reduce((sum, { bytes }) => sum + bytes, 0)
  const all = sent === 0 ? '' : ` ${size(sent)} sent in all.`
  return `\n${counts.join(', ')}.${all}\n${next}`
}
