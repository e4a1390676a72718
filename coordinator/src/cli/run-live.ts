import { isEnd, type RecordedEvent, type RunError } from '../engine/events.js'
import type { RunOutcome } from '../engine/run-order.js'
import type { Session, StartedRun } from '../runs/context/session.js'
import type { CliContext } from './context.js'
import { progressView } from './progress-view.js'

export interface LiveOptions {
  readonly output: 'text' | 'json'
  /** Events that the journal already holds. */
  readonly before?: readonly RecordedEvent[]
  /** What continues it; unset: `quorate resume`. */
  readonly goesOnBy?: string
  start(onEvent: (event: RecordedEvent) => void): Promise<StartedRun>
}

/** Starts a run or a rollback, shows it live until it ends, and stops it at a safe place on a signal. */
export async function runLive(
  context: CliContext,
  session: Session,
  { output, before = [], goesOnBy, start }: LiveOptions,
): Promise<RunOutcome & { readonly id: StartedRun['id'] }> {
  const view = progressView(context.terminal, output, { before, seenNow: session.seenNow?.read })
  try {
    let isRecorded = false
    const { id, stop, ended } = await start((event) => {
      context.begun?.(event.run)
      isRecorded ||= isEnd(event.event)
      view.show(event)
    })
    const unhook = context.onStop(
      stopGently({ goesOnBy: goesOnBy ?? `quorate resume ${id}`, stop, say: (line) => view.say(line) }),
    )
    const outcome = await ended.finally(unhook)
    // An error that the journal could not record (disk full, taken over by another coordinator) is in no report.
    if (outcome.error !== undefined && !isRecorded) view.say(sentenceOf(outcome.error))
    return { id, ...outcome }
  } finally {
    view.end()
  }
}

const sentenceOf = ({ where, message, remedy }: RunError): string =>
  `${where === '' ? '' : `${where}: `}${message}\n  next: ${remedy}`

interface Stopping {
  readonly goesOnBy: string
  stop(): void
  say(line: string): void
}

/** The first signal stops the run once its running actions finish. A second one explains why an immediate end would not help. */
function stopGently({ goesOnBy, stop, say }: Stopping): () => void {
  let asked = false
  return () => {
    say(
      asked
        ? `Still waiting for an operation on a node. Killing this program (kill -9) does not stop it: the node finishes it, and \`${goesOnBy}\` reads its result.`
        : 'Stopping: running actions finish, no new ones start.',
    )
    asked = true
    stop()
  }
}
