import type { RunStore } from '../engine/run-store.js'
import type { History, HistoryEntry } from './history.js'

/** The last entry about each run's journal. */
export function sealedJournals(entries: readonly HistoryEntry[]): ReadonlyMap<string, HistoryEntry> {
  return new Map(entries.flatMap((entry) => (entry.what === 'journal' && entry.run ? [[entry.run, entry]] : [])))
}

/**
 * Writes down how far the journal of each run goes, where it grew since, and signs the whole. A journal that cannot be read is left out:
 * the command that reads it says so. True if one grew.
 */
export async function seal(history: History, runs: RunStore): Promise<boolean> {
  let grew = false
  const sealed = sealedJournals((await history.read()).entries)
  for (const run of await runs.list()) {
    const bytes = await runs.size(run)
    if (bytes === sealed.get(run)?.bytes) continue
    const hashes = await runs.hashes(run).catch(() => [])
    const [hash, seq] = [hashes.at(-1), hashes.length]
    if (hash === undefined) continue
    await history.append({ what: 'journal', who: 'quorate', outcome: 'sealed', run, seq, hash, bytes })
    grew = true
  }
  const { leaves } = await history.read()
  const newest = await history.newest()
  if (newest === undefined || newest.size < leaves.length) await history.sign(leaves)
  return grew
}
