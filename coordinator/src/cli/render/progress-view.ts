import type { RecordedEvent } from '../../engine/events.js'
import { applyEvent, foldRun, type RunState } from '../../engine/fold.js'
import type { Terminal } from '../terminal.js'
import { frame } from './frame.js'
import { eventLine } from './run-lines.js'
import { makeStyle } from './style.js'

/** Shows a run as its events come. */
export interface ProgressView {
  show(event: RecordedEvent): void
  /** A line above or between, for what the program itself has to say. */
  say(text: string): void
  /** Leaves the last state on the screen. */
  end(): void
}

/** Live on a terminal, plain lines in a pipe, JSON lines where asked for. `before`: what the run's journal holds already, not shown again. */
export function progressView(
  terminal: Terminal,
  output: 'text' | 'json',
  before: readonly RecordedEvent[] = [],
): ProgressView {
  if (output === 'json') {
    return {
      show: (event) => terminal.out(`${JSON.stringify({ type: 'event', ...event })}\n`),
      say: (text) => terminal.err(`${text}\n`),
      end: () => undefined,
    }
  }
  return terminal.live ? liveView(terminal, foldRun(before)) : lineView(terminal, foldRun(before))
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

function liveView(terminal: Terminal, before: RunState): ProgressView {
  const style = makeStyle(terminal.coloured)
  let state = before
  let drawn = 0
  const draw = (above: readonly string[] = []) => {
    const lines = state.steps.length === 0 ? [] : frame(state, Date.now(), { size: terminal.size(), style })
    const back = drawn === 0 ? '' : `${control}[${drawn}A`
    // Line by line: a terminal whose whole screen is erased keeps what was on it, and its history fills with frames.
    const text = [...above, ...lines].map((line) => `${line}${control}[K\n`).join('')
    terminal.out(`${back}${text}${drawn === 0 ? '' : `${control}[J`}`)
    drawn = lines.length
  }
  // Durations move on although nothing happens.
  const timer = setInterval(() => draw(), redrawMs)
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
