import type { AvailabilityOutage, AvailabilitySeen } from '@quorate/shared/gen/quorate/v1/node_agent'

/**
 * The answers of one target as gaps. A gap is the time between two good answers that follow each other; an outage is one with a failed
 * answer in it. Before the first good answer there is no gap, but there can be an outage: from the begin.
 */
export class Tally {
  readonly #name: string
  readonly #beganAt: number
  #lastGood: number | undefined
  /** Why the first answer since the last good one failed. */
  #failure: string | undefined
  #asked = 0
  #failed = 0
  #longestGap = 0
  #outages: AvailabilityOutage[] = []

  /** Times are Unix milliseconds and never go back. */
  constructor(name: string, now: number) {
    this.#name = name
    this.#beganAt = now
  }

  good(now: number): void {
    this.#asked++
    const since = this.#since()
    if (this.#lastGood !== undefined || this.#failure !== undefined)
      this.#longestGap = Math.max(this.#longestGap, now - since)
    if (this.#failure !== undefined)
      this.#outages.push({ fromUnixMs: whole(since), toUnixMs: whole(now), error: this.#failure })
    this.#failure = undefined
    this.#lastGood = now
  }

  /** What was asked before the last good answer came and is given up after it tells nothing of the time since. */
  failed(error: string, askedAt: number): void {
    this.#asked++
    this.#failed++
    if (this.#lastGood === undefined || askedAt >= this.#lastGood) this.#failure ??= error
  }

  /** What is new since the call before. */
  take(now: number): AvailabilitySeen {
    const seen = {
      name: this.#name,
      asked: this.#asked,
      failed: this.#failed,
      longestGapMs: whole(this.#longestGap),
      outages: this.#outages,
      openGapMs: this.#failure === undefined ? 0 : Math.max(1, whole(now - this.#since())),
    }
    this.#asked = 0
    this.#failed = 0
    this.#longestGap = 0
    this.#outages = []
    return seen
  }

  #since(): number {
    return this.#lastGood ?? this.#beganAt
  }
}

const whole = (ms: number): number => Math.round(ms)
