import { day } from '../../report/words.js'
import type { KeptNodeToken } from '../../state/node-tokens.js'
import type { RestToken } from '../../state/rest-tokens.js'
import { table } from './table.js'

interface Tokens {
  readonly tokens: readonly RestToken[]
  readonly nodes: readonly KeptNodeToken[]
}

/** One line a token, by name: those of REST, then those of nodes that are to join. */
export function tokensText({ tokens, nodes }: Tokens, now: number): string {
  if (tokens.length === 0 && nodes.length === 0)
    return 'No token yet. `quorate token create NAME` makes one; `quorate serve` makes the one in rest/token itself.\n'
  return [tokens.length === 0 ? [] : [restTable(tokens, now)], nodes.length === 0 ? [] : [nodeTable(nodes, now)]]
    .flat()
    .join('\n')
}

function restTable(tokens: readonly RestToken[], now: number): string {
  const rows = tokens.map(({ name, role, clusters, createdAt, expiresAt }) => [
    ...[name, role, clusters.length === 0 ? 'all' : clusters.join(', '), day(createdAt)],
    expiresAt <= now ? `${day(expiresAt)} (expired)` : day(expiresAt),
  ])
  return table(['NAME', 'ROLE', 'CLUSTERS', 'CREATED', 'EXPIRES'], rows)
}

/** To the minute: such a token lives for half an hour. */
function nodeTable(nodes: readonly KeptNodeToken[], now: number): string {
  const minute = (at: number) => new Date(at).toISOString().slice(0, 16).replace('T', ' ')
  const rows = nodes.map(({ node, agent, createdAt, expiresAt, used }) => [
    ...[node, agent, minute(createdAt), expiresAt <= now ? `${minute(expiresAt)} (expired)` : minute(expiresAt)],
    used ? 'yes' : 'no',
  ])
  return table(['NODE', 'AGENT', 'CREATED', 'EXPIRES', 'USED'], rows)
}
