import { withSeenNow } from '../engine/availability.js'
import type { AvailabilityRecord, RecordedEvent } from '../engine/events.js'
import { applyEvent, foldRun, type RunState } from '../engine/fold.js'
import { frame } from './render/frame.js'
import { eventLine } from './render/run-lines.js'
import { makeStyle } from './render/style.js'
import type { Terminal } from './terminal.js'

/** Shows a run as its events come. */
export interface ProgressView {
  show(event: RecordedEvent): void
  /** A line above or between, for what the program itself has to say. */
  say(text: string): void
  /** Leaves the last state on the screen. */
  end(): void
}

export interface ProgressParts {
  /** What the run's journal holds already, not shown again. */
  readonly before?: readonly RecordedEvent[]
  /** What the run sees of the API before its journal says it. */
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
      show: (event) => terminal.out(`${JSON.stringify({ type: 'event', ...event })}\n`),
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
  // Durations move on although nothing happens.
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
