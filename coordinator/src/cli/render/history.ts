import type { RecordedCall } from '@quorate/shared/recorded-call'
import type { Witness } from '../../audit/agents.js'
import type { HistoryEntry } from '../../audit/history.js'
import type { VerifiedHistory } from '../../audit/verify-history.js'
import { plural } from '../../report/words.js'
import { dateAndTime } from './duration.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

const when = (at: string): string => (Number.isNaN(Date.parse(at)) ? '-' : dateAndTime(Date.parse(at)))

/** One line an entry, oldest first. */
export function historyText(entries: readonly HistoryEntry[]): string {
  if (entries.length === 0) return 'Nothing is recorded yet. Commands that change something are, from now on.\n'
  const rows = entries.map(({ at, what, who, from, outcome, run, seq }) => [
    when(at),
    printable(run === undefined ? what : `${what} of ${run}`),
    printable(who),
    printable(from ?? '-'),
    printable(seq === undefined ? outcome : plural(seq, 'record')),
  ])
  return table(['WHEN', 'WHAT', 'WHO', 'FROM', 'OUTCOME'], rows)
}

/** Calls to an agent, oldest first. */
export function callsText(calls: readonly RecordedCall[]): string {
  if (calls.length === 0) return 'This agent has recorded no call yet.\n'
  const rows = calls.map(({ at, method, caller, from, outcome }) =>
    [when(at), method, caller || 'unknown', from, outcome].map(printable),
  )
  return table(['WHEN', 'CALL', 'CALLER', 'FROM', 'OUTCOME'], rows)
}

const says: Readonly<Record<Witness['says'], string>> = {
  agrees: 'agrees',
  contradicts: 'CONTRADICTS',
  none: 'was shown none yet',
  silent: 'did not answer',
}

export function verifiedText(
  { size, signed, journals, problems }: VerifiedHistory,
  agents: readonly Witness[],
  style: Style,
): string {
  const lines = [
    `${plural(size, 'entry', 'entries')}, ${signed} of them signed; ${plural(journals, 'journal')} compared.`,
  ]
  for (const { node, says: said, size: kept, why } of agents) {
    const text = `${node}: ${says[said]}${kept === undefined ? '' : `, ${plural(kept, 'entry', 'entries')}`}${why === undefined ? '' : `: ${printable(why)}`}`
    lines.push(said === 'contradicts' ? style.bad(text) : text)
  }
  for (const problem of problems) lines.push(style.bad(printable(problem)))
  if (problems.length === 0 && agents.every(({ says: said }) => said !== 'contradicts'))
    lines.push(style.good('The history is what was written.'))
  return `${lines.join('\n')}\n`
}
