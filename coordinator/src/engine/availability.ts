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

/** What the journal says, and what was seen since (engine/seen-now.ts): each watch of a way, told by when it began, counts once. */
export const withSeenNow = (
  journaled: readonly AvailabilityRecord[],
  now: readonly AvailabilityRecord[],
): readonly AvailabilityRecord[] => {
  const said = new Set(journaled.map(watchOf))
  return [...journaled, ...now.filter((one) => !said.has(watchOf(one)))]
}

const watchOf = ({ during, place, target, from }: AvailabilityRecord): string =>
  JSON.stringify([during, place, target, from])

const isWrite = ({ target }: AvailabilityRecord): boolean => target === 'write'

/** One short line; undefined where nothing was watched. */
export function availabilityLine(records: readonly AvailabilityRecord[]): string | undefined {
  const kinds = { reads: records.filter((one) => !isWrite(one)), writes: records.filter(isWrite) }
  const said = Object.entries(kinds).flatMap(([kind, of]) => {
    const { asked, failed, longestGapMs } = totalOf(of)
    if (of.length === 0) return []
    return asked === 0
      ? `${kind} not watched`
      : `${asked - failed} ${kind} ok, ${failed} failed, longest gap ${longestGapMs} ms`
  })
  return said.length === 0 ? undefined : said.join('; ')
}
