import { duration, timeOfDay } from './words.js'

export interface Span {
  readonly from: number
  readonly to: number
}

export interface Tick {
  /** Percent of the width. */
  readonly at: number
  readonly label: string
}

/** Where a moment lies in a drawing, in percent of its width. */
export interface TimeScale {
  at(unixMs: number): number
  readonly ticks: readonly Tick[]
  /** Middles of the pauses that are drawn shorter than they were. */
  readonly breaks: readonly number[]
}

const breakPercent = 3
const tickSteps = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400,
]

/** A run that was gone on with the next day is drawn without the night: long pauses shrink to a mark. */
export function timeScale(spans: readonly Span[]): TimeScale {
  const busy = merged(spans)
  const [first] = busy
  if (first === undefined) return { at: () => 0, ticks: [], breaks: [] }
  const total = busy.reduce((sum, { from, to }) => sum + to - from, 0)
  const shown = 100 - breakPercent * (busy.length - 1)
  const percent = (ms: number) => (total === 0 ? 0 : (ms / total) * shown)
  let offset = 0
  const parts = busy.map(({ from, to }, index) => {
    const part = { from, to, at: offset + index * breakPercent }
    offset += percent(to - from)
    return part
  })
  const at = (unixMs: number): number => {
    const part = parts.findLast(({ from }) => from <= unixMs) ?? { ...first, at: 0 }
    return part.at + percent(Math.max(0, Math.min(unixMs, part.to) - part.from))
  }
  const breaks = parts.slice(1).map((part) => part.at - breakPercent / 2)
  const ticks =
    parts.length > 1
      ? parts.map(({ from, at: place }) => ({ at: place, label: timeOfDay(from) }))
      : evenTicks(first).map((ms) => ({
          at: at(first.from + ms),
          label: ms === 0 ? '0' : duration(ms).replace('.0', ''),
        }))
  return { at, ticks, breaks }
}

function evenTicks({ from, to }: Span): readonly number[] {
  const seconds = tickSteps.find((step) => (to - from) / 1_000 / step <= 6) ?? 86_400
  const count = Math.floor((to - from) / 1_000 / seconds)
  return Array.from({ length: Math.min(count, 50) + 1 }, (_, index) => index * seconds * 1_000)
}

/** Spans that touch or nearly do, as one: a pause counts where it is long by itself and against the work. */
function merged(spans: readonly Span[]): readonly Span[] {
  const sorted = spans.filter(({ from, to }) => to >= from).toSorted((a, b) => a.from - b.from)
  const work = sorted.reduce((sum, { from, to }) => sum + to - from, 0)
  const pause = Math.max(10_000, work / 4)
  const parts: Span[] = []
  for (const span of sorted) {
    const last = parts.at(-1)
    if (last === undefined || span.from - last.to > pause) parts.push(span)
    else parts[parts.length - 1] = { from: last.from, to: Math.max(last.to, span.to) }
  }
  return parts
}
