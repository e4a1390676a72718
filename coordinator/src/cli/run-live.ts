import { isEnd, type RecordedEvent, type RunError } from '../engine/events.js'
import type { RunOutcome } from '../engine/run-order.js'
import type { Session, StartedRun } from '../runs/session.js'
import type { CliContext } from './context.js'
import { progressView } from './progress-view.js'

export interface LiveOptions {
  readonly output: 'text' | 'json'
  /** What the journal holds already. */
  readonly before?: readonly RecordedEvent[]
  start(onEvent: (event: RecordedEvent) => void): Promise<StartedRun>
}

/** Starts a run (or its way back), shows it live to its end, and stops it gently when it is asked to. */
export async function runLive(
  context: CliContext,
  session: Session,
  { output, before = [], start }: LiveOptions,
): Promise<RunOutcome & { readonly id: StartedRun['id'] }> {
  const view = progressView(context.terminal, output, { before, seenNow: session.seenNow?.read })
  try {
    let isRecorded = false
    const { id, stop, ended } = await start((event) => {
      context.begun?.(event.run)
      isRecorded ||= isEnd(event.event)
      view.show(event)
    })
    const unhook = context.onStop(stopGently({ id, stop, say: (line) => view.say(line) }))
    const outcome = await ended.finally(unhook)
    // What the journal could not take, its disk being full or itself somebody else's by now, no report can say.
    if (outcome.error !== undefined && !isRecorded) view.say(sentenceOf(outcome.error))
    return { id, ...outcome }
  } finally {
    view.end()
  }
}

const sentenceOf = ({ where, message, remedy }: RunError): string =>
  `${where === '' ? '' : `${where}: `}${message}\n  next: ${remedy}`

interface Stopping {
  readonly id: string
  stop(): void
  say(line: string): void
}

/** The first signal stops after what runs; a second one says what would be cut, because ending at once would help nobody. */
function stopGently({ id, stop, say }: Stopping): () => void {
  let asked = false
  return () => {
    say(
      asked
        ? `Still waiting for what runs on a node. Killing this program (kill -9) would cut only the watching: the node goes on without it, and \`quorate resume ${id}\` asks it what became of it.`
        : 'Stopping: what runs now comes to its end, nothing new is begun.',
    )
    asked = true
    stop()
  }
}
