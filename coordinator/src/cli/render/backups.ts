import { plural } from '../../report/words.js'
import type { PrunableRun, PrunedNode } from '../../runs/prune-backups.js'
import type { KeptBackup } from '../../state/backups.js'
import { dateAndTime } from './duration.js'
import { printable } from './style.js'
import { table } from './table.js'

/** A backup with its hash from the run's journal. */
export interface ListedBackup extends KeptBackup {
  /** sha256 of the ciphertext, from the journal; absent when the journal does not mention the backup. */
  readonly journalSha256?: string
}

export interface VerifiedBackup extends ListedBackup {
  readonly sound: boolean
  readonly said: string
}

/** One line per backup, with the result when they were verified. */
export function backupsText(backups: readonly (ListedBackup | VerifiedBackup)[]): string {
  if (backups.length === 0) return 'No backups yet. Every conversion starts with one.\n'
  const rows = backups.map((one) => [
    one.run,
    one.node,
    one.kind,
    String(one.bytes),
    dateAndTime(one.modifiedAt),
    'said' in one ? printable(one.said) : (one.journalSha256 ?? '(not in the journal)'),
  ])
  return table(
    ['RUN', 'NODE', 'KIND', 'BYTES', 'WRITTEN', 'said' in (backups[0] as object) ? 'RESULT' : 'SHA256'],
    rows,
  )
}

/** What a deletion would remove; shown before it asks. */
export function pruneText(plan: readonly PrunableRun[], logs: readonly string[]): string {
  if (plan.length === 0 && logs.length === 0)
    return 'Nothing to delete. A run that ended well is pruned only when you name it: quorate backup prune RUN\n'
  const runs = plan.map(
    ({ run, cluster, why, nodes }) =>
      `  ${run} of ${cluster}: ${why}; ${plural(nodes.length, 'node')}: ${nodes.map(({ name }) => name).join(', ')}\n`,
  )
  const backups = runs.length === 0 ? '' : `Backups on the nodes\n${runs.join('')}`
  return `${backups}${logs.length === 0 ? '' : `Logs of detached commands: ${logs.length}\n`}`
}

/** What it removed. */
export function prunedText(nodes: readonly PrunedNode[], logs: readonly string[]): string {
  const lines = nodes.map(({ node, said, done }) => `  ${node}: ${done ? '' : 'FAILED: '}${printable(said)}\n`)
  return `Deleted\n${lines.join('')}${logs.length === 0 ? '' : `  ${plural(logs.length, 'log')}\n`}`
}
