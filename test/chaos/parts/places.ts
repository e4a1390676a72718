import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import type { Place } from './script.js'

interface LedgerLine {
  readonly kind: string
  readonly id?: string
  readonly run?: string
  readonly method?: string
}

interface JournalLine {
  readonly record: { readonly event: Readonly<Record<string, unknown>> & { readonly kind: string } }
}

/** Every record of one run that can be died at: of its journal without progress lines, and of each node's ledger. */
export function placesOf(cluster: SimulatedCluster, run: string): Place[] {
  const journal = linesOf<JournalLine>(join(cluster.stateFolder, 'runs', `${run}.jsonl`))
  const own = journal.filter(({ record }) => record.event.kind !== 'progress').map(journalWords)
  return [
    ...[...new Set(own)].map((record) => ({ who: 'operator', record })),
    ...cluster.nodes.flatMap(({ name, root }) =>
      ledgerWords(linesOf(join(root, 'var/lib/quorate-agent/ledger.jsonl')), run).map((record) => ({
        who: name,
        record,
      })),
    ),
  ]
}

/** As lab/simulated/death.mjs says it. */
function journalWords({ record: { event } }: JournalLine): string {
  const { kind, step, action, node, label, outcome } = event
  const id = typeof action === 'object' ? (action as { id: string }).id : action
  return [kind, step, id, node, label, outcome].filter((word) => word !== undefined).join(' ')
}

function ledgerWords(lines: readonly LedgerLine[], run: string): string[] {
  const intents = lines.filter((line) => line.kind === 'intent' && line.run === run)
  return lines.flatMap(({ kind, id }) => {
    const own = intents.find((intent) => intent.id === id)
    if (own === undefined) return []
    const same = intents.filter(({ method }) => method === own.method).map((intent) => intent.id)
    return [`${kind === 'intent' ? 'intent' : 'end'} ${own.method} ${same.indexOf(id) + 1}`]
  })
}

function linesOf<T>(path: string): T[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}
