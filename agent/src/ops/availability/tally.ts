import type { AvailabilityOutage, AvailabilitySeen } from '@quorate/shared/gen/quorate/v1/node_agent'

/** When a question ended, in Unix milliseconds that never decrease, and how long the asking machine stalled. */
export interface Moment {
  readonly at: number
  readonly askedAt: number
  readonly stalled: { readonly meanwhile: number; readonly inAll: number }
}

/** A question asked before or in a stall of this length may have failed because of it: a server closes connections of slow clients. */
const deadlyStallMs = 1_000

/**
 * The answers of one target as gaps. A gap is the time between two consecutive good answers, without stalls of the asking
 * machine; an outage is a gap with a failed answer. Before the first good answer there is no gap, but there can be an outage: from the
 * start, unless failures count only after a good answer.
 */
export class Tally {
  readonly #name: string
  readonly #beganAt: number
  readonly #onceGood: boolean
  #lastGood: { readonly at: number; readonly stalledInAll: number } | undefined
  /** Why the first answer since the last good one failed. */
  #failure: string | undefined
  #asked = 0
  #failed = 0
  #longestGap = 0
  #outages: AvailabilityOutage[] = []
  /** The latest value, and how much of it was reported. */
  #stalled = { inAll: 0, said: 0 }

  /** Times are Unix milliseconds that never decrease. */
  constructor(name: string, now: number, onceGood = false) {
    this.#name = name
    this.#beganAt = now
    this.#onceGood = onceGood
  }

  good({ at, stalled }: Moment): void {
    this.#asked++
    this.#stalled.inAll = stalled.inAll
    const since = this.#since()
    const gap = Math.max(0, at - since - (stalled.inAll - (this.#lastGood?.stalledInAll ?? 0)))
    if (this.#lastGood !== undefined || this.#failure !== undefined) this.#longestGap = Math.max(this.#longestGap, gap)
    if (this.#failure !== undefined)
      this.#outages.push({ fromUnixMs: whole(at - gap), toUnixMs: whole(at), error: this.#failure })
    this.#failure = undefined
    this.#lastGood = { at, stalledInAll: stalled.inAll }
  }

  /** A question asked before the last good answer and given up after it says nothing about the time since: an outage without a length. */
  failed(error: string, { askedAt, stalled }: Omit<Moment, 'at'>): void {
    this.#stalled.inAll = stalled.inAll
    if (stalled.meanwhile >= deadlyStallMs || (this.#onceGood && this.#lastGood === undefined)) return
    this.#asked++
    this.#failed++
    if (this.#lastGood === undefined || askedAt >= this.#lastGood.at) this.#failure ??= error
    else this.#outages.push({ fromUnixMs: whole(askedAt), toUnixMs: whole(askedAt), error })
  }

  /** What is new since the previous call. */
  take(now: number): AvailabilitySeen {
    const seen = {
      name: this.#name,
      asked: this.#asked,
      failed: this.#failed,
      longestGapMs: whole(this.#longestGap),
      outages: this.#outages,
      openGapMs: this.#failure === undefined ? 0 : Math.max(1, whole(now - this.#since())),
      stalledMs: whole(this.#stalled.inAll - this.#stalled.said),
    }
    this.#asked = 0
    this.#failed = 0
    this.#longestGap = 0
    this.#outages = []
    this.#stalled.said = this.#stalled.inAll
    return seen
  }

  #since(): number {
    return this.#lastGood?.at ?? this.#beganAt
  }
}

const whole = (ms: number): number => Math.round(ms)
