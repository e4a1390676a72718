import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { QuorateError } from '@quorate/shared/errors'
import type { RecordedEvent } from './events.js'

/** `prev` of a journal's first record. */
export const chainStart = '0'.repeat(64)

/** Hash of one record, chained to the one before it; both hex. */
export function recordHash(prev: string, record: string): string {
  return createHash('sha256').update(prev).update('\n').update(record).digest('hex')
}

export interface JournalReader {
  /** The records added since the last call; their hashes to `eachHash`. An incomplete last line is left for later: it is being written, or was truncated. */
  next(eachHash?: (hash: string) => void): Promise<readonly RecordedEvent[]>
  /** The end of the records read: offset in bytes, number and hash of the last one. */
  end(): { readonly offset: number; readonly seq: number; readonly prev: string }
  close(): Promise<void>
}

interface Line {
  readonly prev: string
  readonly hash: string
  readonly record: RecordedEvent
}

/** Opens a journal for reading; RUN_NOT_FOUND when there is none, JOURNAL_DAMAGED with the byte offset where the chain does not hold. */
export async function openJournalReader(path: string, run: string): Promise<JournalReader> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new QuorateError('RUN_NOT_FOUND', `there is no run ${run}`, { where: path, cause })
  })
  let offset = 0
  let prev = chainStart
  let seq = 0
  return {
    close: () => file.close(),
    end: () => ({ offset, seq, prev }),
    async next(eachHash) {
      const bytes = await readFrom(file, offset)
      const events: RecordedEvent[] = []
      let start = 0
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
        const line = parseLine(bytes.subarray(start, end).toString('utf8'))
        const follows =
          line !== undefined && line.prev === prev && line.record.seq === seq + 1 && line.record.run === run
        if (!follows || recordHash(prev, JSON.stringify(line.record)) !== line.hash) {
          throw new QuorateError(
            'JOURNAL_DAMAGED',
            `record ${seq + 1}, at byte ${offset}, differs from what was written`,
            {
              where: path,
            },
          )
        }
        events.push(line.record)
        seq += 1
        prev = line.hash
        eachHash?.(line.hash)
        offset += end + 1 - start
        start = end + 1
      }
      return events
    },
  }
}

async function readFrom(file: FileHandle, offset: number): Promise<Buffer> {
  const { size } = await file.stat()
  const bytes = Buffer.alloc(Math.max(0, size - offset))
  const { bytesRead } = await file.read(bytes, 0, bytes.length, offset)
  return bytes.subarray(0, bytesRead)
}

function parseLine(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Partial<Line> | null
    if (line === null || typeof line.prev !== 'string' || typeof line.hash !== 'string') return undefined
    if (typeof line.record !== 'object' || line.record === null) return undefined
    return line as Line
  } catch {
    return undefined
  }
}
