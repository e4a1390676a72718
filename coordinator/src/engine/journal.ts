import { dirname } from 'node:path'
import { type Clock, systemClock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'
import type { RecordedEvent, RunEvent } from './events.js'
import { type AppendedFile, fileDoor, type JournalDoor } from './journal-file.js'
import { chainStart, openJournalReader, recordHash } from './journal-reader.js'

/** Append-only record of one run. */
export interface Journal {
  readonly run: RunId
  /**
   * Resolves when the event is on disk (fsync); progress lines already when they are written. Events keep the order of the
   * calls. After a failed write every further append rejects: a run must not continue unrecorded.
   */
  append(event: RunEvent): Promise<RecordedEvent>
  close(): Promise<void>
}

export interface JournalOptions {
  readonly clock?: Clock
  readonly door?: JournalDoor
}

interface Waiting {
  readonly line: string
  readonly durable: boolean
  resolve(): void
  reject(error: unknown): void
}

/** Creates `path`, which must not exist, and fsyncs its folder so that the name survives a power cut. */
export async function createJournal(path: string, run: RunId, options: JournalOptions = {}): Promise<Journal> {
  const door = options.door ?? fileDoor
  const file = await door.create(path)
  await door.syncFolder(dirname(path))
  return appender(file, { path, run, clock: options.clock ?? systemClock, seq: 0, prev: chainStart })
}

/** Opens a journal to continue it: verifies its hash chain and truncates an incomplete last line. Only for the holder of the cluster's lease. */
export async function reopenJournal(
  path: string,
  run: RunId,
  options: JournalOptions = {},
): Promise<{ journal: Journal; events: readonly RecordedEvent[] }> {
  const reader = await openJournalReader(path, run)
  const events = await reader.next().finally(() => reader.close())
  const { offset, seq, prev } = reader.end()
  const file = await (options.door ?? fileDoor).reopen(path, offset)
  return { journal: appender(file, { path, run, clock: options.clock ?? systemClock, seq, prev }), events }
}

interface Place {
  readonly path: string
  readonly run: RunId
  readonly clock: Clock
  /** Of the last existing record. */
  readonly seq: number
  readonly prev: string
}

function appender(file: AppendedFile, { path, run, clock, ...last }: Place): Journal {
  const queue: Waiting[] = []
  let { seq, prev } = last
  let broken: unknown
  let flushing: Promise<void> | undefined

  const flush = async () => {
    // Not before `flushing` is set: a broken journal fails at once, and setting `flushing` would overwrite its reset.
    await Promise.resolve()
    while (queue.length > 0) {
      const batch = queue.splice(0)
      try {
        if (broken !== undefined) throw broken
        await writeBatch(file, batch)
        for (const waiting of batch) waiting.resolve()
      } catch (error) {
        broken = error
        for (const waiting of batch) waiting.reject(asJournalError(error, path))
      }
    }
    flushing = undefined
  }

  return {
    run,
    append(event) {
      seq += 1
      const recorded: RecordedEvent = { seq, at: clock.now(), run, event: withoutSealed(event) }
      const { line, hash } = lineOf(recorded, prev)
      prev = hash
      return new Promise((resolve, reject) => {
        queue.push({ line, durable: event.kind !== 'progress', resolve: () => resolve(recorded), reject })
        flushing ??= flush()
      })
    },
    async close() {
      await flushing
      await file.close()
    },
  }
}

function lineOf(recorded: RecordedEvent, prev: string): { readonly line: string; readonly hash: string } {
  const text = JSON.stringify(recorded)
  const hash = recordHash(prev, text)
  return { hash, line: `{"prev":"${prev}","hash":"${hash}","record":${text}}\n` }
}

// One fsync for all waiting events: twenty nodes that report at once cost the disk as much as one.
async function writeBatch(file: AppendedFile, batch: readonly Waiting[]): Promise<void> {
  await file.append(batch.map(({ line }) => line).join(''))
  if (batch.some(({ durable }) => durable)) await file.sync()
}

// Sealed secrets are useful to one agent process only, and many people read a journal.
function withoutSealed(event: RunEvent): RunEvent {
  return event.kind === 'operation-done' ? { ...event, result: { ...event.result, sealed: [] } } : event
}

function asJournalError(error: unknown, path: string): QuorateError {
  if (error instanceof QuorateError) return error
  const why = error instanceof Error ? error.message : String(error)
  const isDisk = error instanceof Error && 'errno' in error
  return new QuorateError(isDisk ? 'SYSTEM_REFUSED' : 'INTERNAL', `the journal could not be written: ${why}`, {
    where: path,
    cause: error,
    remedy: 'Free space on the disk of the state folder, or repair the disk. Then run `quorate resume RUN`.',
  })
}
