import type { KeptBackup } from '../../state/backups.js'
import { dateAndTime } from './duration.js'
import { printable } from './style.js'
import { table } from './table.js'

/** A backup with what the run's journal says of it. */
export interface ListedBackup extends KeptBackup {
  /** sha256 of the ciphertext as the journal has it; absent where the journal does not mention it. */
  readonly journalSha256?: string
}

export interface VerifiedBackup extends ListedBackup {
  readonly sound: boolean
  readonly said: string
}

/** Backups, one a line; what verifying said where that was asked. */
export function backupsText(backups: readonly (ListedBackup | VerifiedBackup)[]): string {
  if (backups.length === 0) return 'There are no backups yet: every conversion begins with one.\n'
  const rows = backups.map((one) => [
    one.run,
    one.node,
    one.kind,
    String(one.bytes),
    dateAndTime(one.modifiedAt),
    'said' in one ? printable(one.said) : (one.journalSha256 ?? '(not in the journal)'),
  ])
  return table(['RUN', 'NODE', 'KIND', 'BYTES', 'WRITTEN', 'said' in (backups[0] as object) ? 'SEEN' : 'SHA256'], rows)
}
