import type { AvailabilityRecord } from './events.js'

/** What was seen of one way to the API, or of all of them. */
export interface AvailabilityTotal {
  readonly asked: number
  readonly failed: number
  readonly longestGapMs: number
}

/** Of any number of records: sums, and the longest gap of them all. */
export const totalOf = (records: readonly AvailabilityRecord[]): AvailabilityTotal => ({
  asked: records.reduce((sum, { asked }) => sum + asked, 0),
  failed: records.reduce((sum, { failed }) => sum + failed, 0),
  longestGapMs: records.reduce((longest, { longestGapMs }) => Math.max(longest, longestGapMs), 0),
})

const kindOf = ({ target }: AvailabilityRecord): string =>
  target === 'write' ? 'writes' : target === 'cluster-dns' ? 'DNS answers' : 'reads'

/** How long the probing machine was stalled: the worst of several. Probes that one machine makes at the same time stall together. */
export function stalledMsOf(records: readonly AvailabilityRecord[]): number {
  const steps = new Map<string, { readonly place: string; readonly ms: number }>()
  for (const { place, during, stalledMs = 0 } of records) {
    const key = `${place} ${during}`
    steps.set(key, { place, ms: Math.max(stalledMs, steps.get(key)?.ms ?? 0) })
  }
  const places = new Map<string, number>()
  for (const { place, ms } of steps.values()) places.set(place, (places.get(place) ?? 0) + ms)
  return Math.max(0, ...places.values())
}

/** The journal's records and what was seen since (engine/seen-now.ts): each watch of a path, identified by its start, counts once. */
export const withSeenNow = (
  journaled: readonly AvailabilityRecord[],
  now: readonly AvailabilityRecord[],
): readonly AvailabilityRecord[] => {
  const said = new Set(journaled.map(watchOf))
  return [...journaled, ...now.filter((one) => !said.has(watchOf(one)))]
}

const watchOf = ({ during, place, target, from }: AvailabilityRecord): string =>
  JSON.stringify([during, place, target, from])

/** One short line; undefined where nothing was watched. */
export function availabilityLine(records: readonly AvailabilityRecord[]): string | undefined {
  const said = ['reads', 'writes', 'DNS answers'].flatMap((kind) => {
    const of = records.filter((one) => kindOf(one) === kind)
    const { asked, failed, longestGapMs } = totalOf(of)
    if (of.length === 0) return []
    return asked === 0
      ? `${kind} not watched`
      : `${asked - failed} ${kind} ok, ${failed} failed, longest gap ${longestGapMs} ms`
  })
  const stalledMs = stalledMsOf(records)
  if (stalledMs > 0) said.push(`the machine that asked stood still for ${(stalledMs / 1_000).toFixed(1)} s`)
  return said.length === 0 ? undefined : said.join('; ')
}
