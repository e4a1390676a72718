import type { AvailabilitySeen } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { AvailabilityRecord, Outage } from '../../engine/events.js'

/** One path to the API from one node. */
export interface Way {
  readonly place: string
  readonly target: string
}

interface Sum extends Way {
  /** Start of the watch. */
  readonly from: number
  asked: number
  failed: number
  longestGapMs: number
  stalledMs: number
  readonly outages: Outage[]
  /** The outage that has not ended. */
  open: { readonly from: number; readonly to: number } | undefined
}

/** A path that is watched for less than this may have no probe yet; it is not reported. */
const shortMs = 1_000
const cutOff = 'it continued when its watch ended'

/** What all places saw while one step ran. Times are this machine's, Unix milliseconds. */
export class StepTally {
  readonly during: string
  readonly #sums = new Map<string, Sum>()

  constructor(during: string) {
    this.during = during
  }

  /** The path is watched from now on: without any probe that is reported. */
  expect(way: Way, now: number): void {
    this.#sum(way, now)
  }

  /** `at`: when this was reported; `ahead`: how far the node's clock is ahead of this machine's. */
  add(place: string, seen: AvailabilitySeen, { at, ahead }: { at: number; ahead: number }): void {
    const sum = this.#sum({ place, target: seen.name }, at)
    sum.asked += seen.asked
    sum.failed += seen.failed
    sum.longestGapMs = Math.max(sum.longestGapMs, seen.longestGapMs)
    sum.stalledMs += seen.stalledMs
    for (const { fromUnixMs, toUnixMs, error } of seen.outages)
      sum.outages.push({ from: fromUnixMs - ahead, to: toUnixMs - ahead, error })
    sum.open = seen.openGapMs === 0 ? undefined : { from: at - seen.openGapMs, to: at }
  }

  /** The watch of a place ended: what was seen until then counts. */
  cutOff(place: string): void {
    for (const sum of this.#sums.values()) {
      if (sum.place !== place || sum.open === undefined) continue
      sum.outages.push({ ...sum.open, error: cutOff })
      sum.longestGapMs = Math.max(sum.longestGapMs, sum.open.to - sum.open.from)
      sum.open = undefined
    }
  }

  /** How long one path was unavailable; an outage that has not ended counts as far as it was seen. */
  outageMs({ place, target }: Way): number {
    const sum = this.#sums.get(keyOf({ place, target }))
    const all = [...(sum?.outages ?? []), ...(sum?.open === undefined ? [] : [sum.open])]
    return all.reduce((total, { from, to }) => total + to - from, 0)
  }

  records(now: number): readonly AvailabilityRecord[] {
    const { during } = this
    return [...this.#sums.values()]
      .filter(({ asked, from }) => asked > 0 || now - from >= shortMs)
      .map(({ open: _, stalledMs, ...seen }) => ({
        during,
        ...seen,
        ...(stalledMs === 0 ? {} : { stalledMs }),
        to: now,
      }))
  }

  #sum(way: Way, from: number): Sum {
    const known = this.#sums.get(keyOf(way))
    if (known !== undefined) return known
    const sum: Sum = { ...way, from, asked: 0, failed: 0, longestGapMs: 0, stalledMs: 0, outages: [], open: undefined }
    this.#sums.set(keyOf(way), sum)
    return sum
  }
}

const keyOf = ({ place, target }: Way): string => `${place} ${target}`
