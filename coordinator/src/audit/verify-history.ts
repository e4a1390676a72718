import { asQuorateError } from '@quorate/shared/errors'
import { rootOf } from '@quorate/shared/merkle'
import { parseRunId } from '@quorate/shared/names'
import type { RunStore } from '../engine/run-store.js'
import type { History, HistoryEntry } from './history.js'
import { sealedJournals } from './seal.js'

export interface VerifiedHistory {
  /** Entries; the tree over them has this root, in hexadecimal. */
  readonly size: number
  readonly root: string
  /** Entries that the newest checkpoint commits to. */
  readonly signed: number
  /** Journals of runs that were compared with what was written down about them. */
  readonly journals: number
  /** One sentence for each thing that is not as it was. */
  readonly problems: readonly string[]
}

/** Compares the history with its checkpoint, and the journals with the history; changes nothing. */
export async function verifyHistory(history: History, runs: RunStore): Promise<VerifiedHistory> {
  const { entries, leaves } = await history.read()
  const problems: string[] = []
  let signed = 0
  try {
    const newest = await history.newest()
    signed = newest?.size ?? 0
    if (newest !== undefined && newest.size > leaves.length)
      problems.push(
        `The checkpoint is of ${newest.size} entries, the history has ${leaves.length}: its end was cut off.`,
      )
    else if (newest !== undefined && !rootOf(leaves.slice(0, newest.size)).equals(newest.root))
      problems.push(`The first ${newest.size} entries are not those that were signed.`)
  } catch (error) {
    problems.push(`The checkpoint is not valid: ${asQuorateError(error).message}.`)
  }
  const journals = sealedJournals(entries)
  for (const run of journals.keys()) {
    const sealed = entries.filter((entry) => entry.what === 'journal' && entry.run === run)
    const said = await runs.hashes(parseRunId(run)).then(
      (hashes) => changedSince(sealed, hashes),
      (error: unknown) => asQuorateError(error).message,
    )
    if (said !== undefined) problems.push(`Run ${run}: ${said}.`)
  }
  return { size: leaves.length, root: rootOf(leaves).toString('hex'), signed, journals: journals.size, problems }
}

function changedSince(sealed: readonly HistoryEntry[], hashes: readonly string[]): string | undefined {
  const changed = sealed.find(({ seq = 0, hash }) => hashes[seq - 1] !== hash)
  return changed === undefined
    ? undefined
    : `its first ${changed.seq} records are not those that were there on ${changed.at}`
}
