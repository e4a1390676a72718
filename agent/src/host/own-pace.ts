/** A timer that comes later than this tells that the machine, or this process, stood still; less is how timers are on a busy one. */
const lateMs = 250

/** Something that was asked, and how long this machine had stood still by then. */
export interface Waiting {
  readonly askedAt: number
  readonly stalledBefore: number
}

/** Measures by a timer of known pace how long the asking machine itself stood still: what it did not ask or hear in that time nobody else is to blame for. */
export class OwnPace {
  /** Milliseconds since it began. */
  stalledMs = 0
  readonly #beatMs: number
  #due: number

  /** `now` is of this process's monotonic clock, as all times here. */
  constructor(beatMs: number, now: number) {
    this.#beatMs = beatMs
    this.#due = now + beatMs
  }

  /** To be called by the timer. */
  beat(now: number): void {
    this.look(now)
    this.#due = now + this.#beatMs
  }

  /** To be called before whatever comes: after a stall answers are read before the timer has its turn. */
  look(now: number): void {
    if (now - this.#due <= lateMs) return
    this.stalledMs += now - this.#due
    this.#due = now
  }

  /** How long something has been waited for, without the time in which this machine stood still. */
  waited({ askedAt, stalledBefore }: Waiting, now: number): number {
    return now - askedAt - (this.stalledMs - stalledBefore)
  }

  /** For how long this machine stood still meanwhile, and in all. */
  stalled({ stalledBefore }: Pick<Waiting, 'stalledBefore'>): { readonly meanwhile: number; readonly inAll: number } {
    return { meanwhile: this.stalledMs - stalledBefore, inAll: this.stalledMs }
  }
}
