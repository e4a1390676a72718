import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AvailabilityRecord } from './events.js'

/** What runs see of the API in the present step. Their journals have it when the step ends; this is for readers before that. */
export interface SeenNow {
  /** All that was seen in the step so far, or nothing to clear it. Never fails: a run does not depend on it. */
  write(run: string, seen: readonly AvailabilityRecord[]): void
  /** What this process or another one wrote last; empty where none did. */
  read(run: string): Promise<readonly AvailabilityRecord[]>
}

/** Readers do not need each of the answers that arrive every few milliseconds. */
const everyMs = 500

/** Keeps it in one file per run, so that `quorate watch` in another process can read it; without fsync, because it is useless after a crash. */
export function seenNowStore(folder: string): SeenNow {
  const own = new Map<string, readonly AvailabilityRecord[]>()
  const pathOf = (run: string) => join(folder, `${run}.json`)
  let writtenAt = 0
  let writing: Promise<unknown> = Promise.resolve()
  const inTurn = (work: () => Promise<unknown>) => {
    writing = writing.then(work).catch(() => undefined)
  }
  return {
    write(run, seen) {
      const path = pathOf(run)
      if (seen.length === 0) {
        own.delete(run)
        inTurn(() => rm(path, { force: true }))
        return
      }
      own.set(run, seen)
      if (Date.now() - writtenAt < everyMs) return
      writtenAt = Date.now()
      inTurn(() => replace(path, JSON.stringify(seen)))
    },
    async read(run) {
      return (
        own.get(run) ??
        readFile(pathOf(run), 'utf8')
          .then(parse)
          .catch(() => [])
      )
    },
  }
}

/** A reader sees either the old text or the new one. */
async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${process.pid}.tmp`
  await writeFile(temporary, text, { mode: 0o600 })
  await rename(temporary, path)
}

const parse = (text: string) => JSON.parse(text) as readonly AvailabilityRecord[]
