import { duration, timeOfDay } from '../words.js'

export interface Span {
  readonly from: number
  readonly to: number
}

export interface Tick {
  /** Percent of the width. */
  readonly at: number
  readonly label: string
}

/** The position of a moment in a drawing, in percent of its width. */
export interface TimeScale {
  at(unixMs: number): number
  readonly ticks: readonly Tick[]
  /** Pauses, all of the same width. */
  readonly breaks: readonly Break[]
}

export interface Break {
  /** Its left edge and its width, in percent. */
  readonly at: number
  readonly width: number
  readonly ms: number
}

/** The width of one pause, and of all together: the work needs room too. */
const breakPercent = { one: 4, all: 40 }
/** Labels closer than this would overlap. */
const labelPercent = 18
const tickSteps = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400,
]

/** Work to scale; a pause of a night takes no more room than one of a minute. */
export function timeScale(spans: readonly Span[]): TimeScale {
  const busy = joined(spans)
  const [first] = busy
  if (first === undefined) return { at: () => 0, ticks: [], breaks: [] }
  const total = busy.reduce((sum, { from, to }) => sum + to - from, 0)
  const gaps = busy.length - 1
  const width = gaps === 0 ? 0 : Math.min(breakPercent.one, breakPercent.all / gaps)
  const percent = (ms: number) => (total === 0 ? 0 : (ms / total) * (100 - width * gaps))
  let offset = 0
  const parts = busy.map(({ from, to }, index) => {
    const part = { from, to, at: offset + index * width }
    offset += percent(to - from)
    return part
  })
  const at = (unixMs: number): number => {
    const part = parts.findLast(({ from }) => from <= unixMs) ?? { ...first, at: 0 }
    return part.at + percent(Math.max(0, Math.min(unixMs, part.to) - part.from))
  }
  const breaks = parts
    .slice(1)
    .map(({ at: end, from }, index) => ({ at: end - width, width, ms: from - (parts[index]?.to ?? from) }))
  const ticks =
    gaps > 0
      ? apart(parts.map(({ from, at: place }) => ({ at: place, label: timeOfDay(from) })))
      : evenTicks(first).map((ms) => ({
          at: at(first.from + ms),
          label: ms === 0 ? '0' : duration(ms).replace('.0', ''),
        }))
  return { at, ticks, breaks }
}

/** The labels of a row that do not overlap. */
export function apart<T extends { readonly at: number }>(labels: readonly T[]): readonly T[] {
  const kept: T[] = []
  for (const label of labels) if (label.at - (kept.at(-1)?.at ?? -100) >= labelPercent) kept.push(label)
  return kept
}

function evenTicks({ from, to }: Span): readonly number[] {
  const seconds = tickSteps.find((step) => (to - from) / 1_000 / step <= 6) ?? 86_400
  const count = Math.floor((to - from) / 1_000 / seconds)
  return Array.from({ length: Math.min(count, 50) + 1 }, (_, index) => index * seconds * 1_000)
}

/** Joins spans that touch. */
function joined(spans: readonly Span[]): readonly Span[] {
  const parts: Span[] = []
  for (const span of spans.filter(({ from, to }) => to >= from).toSorted((a, b) => a.from - b.from)) {
    const last = parts.at(-1)
    if (last === undefined || span.from > last.to) parts.push(span)
    else parts[parts.length - 1] = { from: last.from, to: Math.max(last.to, span.to) }
  }
  return parts
}
