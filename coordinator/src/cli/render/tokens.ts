import { day } from '../../report/words.js'
import type { RestToken } from '../../state/rest-tokens.js'
import { table } from './table.js'

/** One line a token, by name. */
export function tokensText(tokens: readonly RestToken[], now: number): string {
  if (tokens.length === 0)
    return 'No token yet. `quorate token create NAME` makes one; `quorate serve` makes the one in rest/token itself.\n'
  const rows = tokens.map(({ name, role, clusters, createdAt, expiresAt }) => [
    name,
    role,
    clusters.length === 0 ? 'all' : clusters.join(', '),
    day(createdAt),
    expiresAt <= now ? `${day(expiresAt)} (expired)` : day(expiresAt),
  ])
  return table(['NAME', 'ROLE', 'CLUSTERS', 'CREATED', 'EXPIRES'], rows)
}
