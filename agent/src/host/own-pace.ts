/** A timer later than this shows that the machine, or this process, stalled; smaller delays are normal on a busy machine. */
const lateMs = 250

/** A question, and how long this machine had stalled before it. */
export interface Waiting {
  readonly askedAt: number
  readonly stalledBefore: number
}

/** Measures with a timer of known interval how long this machine itself stalled: what it did not ask or receive in that time is no other's fault. */
export class OwnPace {
  /** Milliseconds since the start. */
  stalledMs = 0
  readonly #beatMs: number
  #due: number

  /** `now` is of this process's monotonic clock, like all times here. */
  constructor(beatMs: number, now: number) {
    this.#beatMs = beatMs
    this.#due = now + beatMs
  }

  /** Called by the timer. */
  beat(now: number): void {
    this.look(now)
    this.#due = now + this.#beatMs
  }

  /** Called before each event: after a stall, answers are read before the timer runs. */
  look(now: number): void {
    if (now - this.#due <= lateMs) return
    this.stalledMs += now - this.#due
    this.#due = now
  }

  /** The waiting time, without stalls of this machine. */
  waited({ askedAt, stalledBefore }: Waiting, now: number): number {
    return now - askedAt - (this.stalledMs - stalledBefore)
  }

  /** Stalls of this machine during the wait, and in total. */
  stalled({ stalledBefore }: Pick<Waiting, 'stalledBefore'>): { readonly meanwhile: number; readonly inAll: number } {
    return { meanwhile: this.stalledMs - stalledBefore, inAll: this.stalledMs }
  }
}
