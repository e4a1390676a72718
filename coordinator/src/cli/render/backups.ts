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
