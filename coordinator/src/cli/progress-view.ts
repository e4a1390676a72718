import { line } from '../documents/document.js'
import { event as eventDocument } from '../documents/run.js'
import { withSeenNow } from '../engine/availability.js'
import type { AvailabilityRecord, RecordedEvent } from '../engine/events.js'
import { applyEvent, foldRun, type RunState } from '../engine/fold.js'
import { documentedEvent } from '../report/documented-run.js'
import { frame } from './render/frame.js'
import { eventLine } from './render/run-lines.js'
import { makeStyle } from './render/style.js'
import type { Terminal } from './terminal.js'

/** Shows a run as its events arrive. */
export interface ProgressView {
  show(event: RecordedEvent): void
  /** A line of the program itself, above or between the progress. */
  say(text: string): void
  /** Leaves the last state on the screen. */
  end(): void
}

export interface ProgressParts {
  /** Events that the journal already holds; not shown again. */
  readonly before?: readonly RecordedEvent[]
  /** Availability that the run has seen and not yet recorded. */
  readonly seenNow?: ((run: string) => Promise<readonly AvailabilityRecord[]>) | undefined
}

/** Live on a terminal, plain lines in a pipe, JSON lines where asked for. */
export function progressView(
  terminal: Terminal,
  output: 'text' | 'json',
  { before = [], seenNow = async () => [] }: ProgressParts = {},
): ProgressView {
  if (output === 'json') {
    return {
      show: (event) => terminal.out(line(eventDocument, documentedEvent(event))),
      say: (text) => terminal.err(`${text}\n`),
      end: () => undefined,
    }
  }
  const state = foldRun(before)
  return terminal.live ? liveView(terminal, state, seenNow) : lineView(terminal, state)
}

function lineView(terminal: Terminal, before: RunState): ProgressView {
  let state = before
  return {
    show(event) {
      state = applyEvent(state, event)
      const line = eventLine(event, state)
      if (line !== undefined) terminal.out(line)
    },
    say: (text) => terminal.out(`${text}\n`),
    end: () => undefined,
  }
}

const redrawMs = 200
const control = '\u001b'

function liveView(
  terminal: Terminal,
  before: RunState,
  seenNow: Exclude<ProgressParts['seenNow'], undefined>,
): ProgressView {
  const style = makeStyle(terminal.coloured)
  let state = before
  let now: readonly AvailabilityRecord[] = []
  let drawn = 0
  const draw = (above: readonly string[] = []) => {
    const shown = { ...state, availability: withSeenNow(state.availability, now) }
    const lines = state.steps.length === 0 ? [] : frame(shown, Date.now(), { size: terminal.size(), style })
    const back = drawn === 0 ? '' : `${control}[${drawn}A`
    // Line by line: a terminal whose whole screen is erased keeps what was on it, and its history fills with frames.
    const text = [...above, ...lines].map((line) => `${line}${control}[K\n`).join('')
    terminal.out(`${back}${text}${drawn === 0 ? '' : `${control}[J`}`)
    drawn = lines.length
  }
  // Durations advance even when no event arrives.
  const timer = setInterval(() => {
    draw()
    void seenNow(state.id).then((seen) => {
      now = seen
    })
  }, redrawMs)
  return {
    show(event) {
      state = applyEvent(state, event)
    },
    say: (text) => draw(text.split('\n')),
    end() {
      clearInterval(timer)
      draw()
    },
  }
}
