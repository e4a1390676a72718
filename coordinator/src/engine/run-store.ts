import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '@quorate/shared/clock'
import { parseRunId, type RunId } from '@quorate/shared/names'
import { isEnd, type RecordedEvent } from './events.js'
import { createJournal, type Journal, reopenJournal } from './journal.js'
import { fileDoor, type JournalDoor } from './journal-file.js'
import { openJournalReader } from './journal-reader.js'

export interface FollowOptions {
  /** Sequence number of the last event that the caller has; 0 for all. */
  readonly after: number
  readonly signal: AbortSignal
  /** Called when nothing new came for a while: false stops following although the run has no end. */
  goesOn(): Promise<boolean>
}

/** The journals of one state folder. */
export interface RunStore {
  create(run: RunId): Promise<Journal>
  /** To continue a run; only for the holder of its cluster's lease. RUN_NOT_FOUND, JOURNAL_DAMAGED. */
  reopen(run: RunId): Promise<{ journal: Journal; events: readonly RecordedEvent[] }>
  /** Ids, newest first. */
  list(): Promise<readonly RunId[]>
  read(run: RunId): Promise<readonly RecordedEvent[]>
  /** The hash of each record, in order: each commits to all before it. JOURNAL_DAMAGED where the chain does not hold. */
  hashes(run: RunId): Promise<readonly string[]>
  /** Bytes of the journal. */
  size(run: RunId): Promise<number>
  /** Events as they are written, also by another process; ends with the run or when `signal` is aborted. */
  follow(run: RunId, options: FollowOptions): AsyncIterable<RecordedEvent>
}

// Local files give no reliable notification of an append by another process; a stat five times a second is cheap.
const pollMs = 200
const pollsWithoutNews = 10

export function runStore(folder: string, clock: Clock = systemClock, door: JournalDoor = fileDoor): RunStore {
  const pathOf = (run: RunId) => join(folder, `${run}.jsonl`)
  return {
    async create(run) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      return createJournal(pathOf(run), run, { clock, door })
    },
    reopen: (run) => reopenJournal(pathOf(run), run, { clock, door }),
    async list() {
      const all = await readdir(folder).catch(() => [])
      const names = all.filter((name) => /^[0-9]{8}t[0-9]{6}-[a-z0-9]{6}\.jsonl$/.test(name))
      const begun = await Promise.all(names.map((name) => hasBegun(join(folder, name))))
      return names
        .filter((_, index) => begun[index])
        .map((name) => parseRunId(name.slice(0, -'.jsonl'.length)))
        .sort()
        .reverse()
    },
    async read(run) {
      const reader = await openJournalReader(pathOf(run), run)
      return reader.next().finally(() => reader.close())
    },
    async hashes(run) {
      const reader = await openJournalReader(pathOf(run), run)
      const hashes: string[] = []
      const kept = (hash: string) => hashes.push(hash)
      await reader.next(kept).finally(() => reader.close())
      return hashes
    },
    size: async (run) => (await stat(pathOf(run))).size,
    follow: (run, options) => follow(pathOf(run), run, { ...options, clock }),
  }
}

/** A run that was refused before its first event, because another one holds the cluster, leaves an empty journal. */
const hasBegun = (path: string): Promise<boolean> =>
  stat(path).then(
    ({ size }) => size > 0,
    () => false,
  )

async function* follow(
  path: string,
  run: RunId,
  options: FollowOptions & { clock: Clock },
): AsyncIterable<RecordedEvent> {
  const reader = await openJournalReader(path, run)
  try {
    for (let quiet = 0; !options.signal.aborted; ) {
      const events = await reader.next()
      const last = events.at(-1)
      for (const recorded of events) {
        if (recorded.seq > options.after) yield recorded
      }
      // Events after an end belong to a resume or a rollback.
      if (last !== undefined && isEnd(last.event)) return
      quiet = events.length > 0 ? 0 : quiet + 1
      // The last read comes after `goesOn`, so that an end written in between is not missed.
      if (quiet > 0 && quiet % pollsWithoutNews === 0 && !(await options.goesOn())) {
        for (const recorded of await reader.next()) if (recorded.seq > options.after) yield recorded
        return
      }
      await options.clock.sleep(pollMs, options.signal).catch(() => undefined)
    }
  } finally {
    await reader.close()
  }
}
