import { setTimeout as sleep } from 'node:timers/promises'
import { line } from '../../documents/document.js'
import { event as eventDocument } from '../../documents/run.js'
import type { RecordedEvent } from '../../engine/events.js'
import { documentedEvent } from '../../report/documented-run.js'

export interface SseOptions {
  readonly signal: AbortSignal
  /** A comment is sent after this long without events, so that proxies keep the stream open. */
  readonly quietMs?: number
}

/** Events in the text/event-stream format (WHATWG HTML, section 9.2). */
export async function* serverSentEvents(
  events: AsyncIterable<RecordedEvent>,
  { signal, quietMs = 15_000 }: SseOptions,
): AsyncGenerator<string> {
  const iterator = events[Symbol.asyncIterator]()
  let next = iterator.next()
  try {
    // Send headers and a first byte at once: the client then knows that it is connected.
    yield ': events\n\n'
    for (;;) {
      const met = await orQuiet(next, quietMs, signal)
      if (met === 'quiet') yield ': quiet\n\n'
      else if (met.done === true) return
      else {
        yield format(met.value)
        next = iterator.next()
      }
    }
  } finally {
    next.catch(() => undefined)
    await iterator.return?.()
  }
}

function format(recorded: RecordedEvent): string {
  const { seq, event } = recorded
  return `id: ${seq}\nevent: ${event.kind}\ndata: ${line(eventDocument, documentedEvent(recorded))}\n`
}

async function orQuiet<T>(next: Promise<T>, quietMs: number, signal: AbortSignal): Promise<T | 'quiet'> {
  const waiting = new AbortController()
  const quiet = sleep(quietMs, 'quiet' as const, { signal: AbortSignal.any([waiting.signal, signal]) }).catch(
    () => next,
  )
  return Promise.race([next, quiet]).finally(() => waiting.abort())
}
