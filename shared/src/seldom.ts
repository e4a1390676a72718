/** What repeats itself is worth a line now and then: a program that asks every second would fill the record of calls. */
export class Seldom {
  readonly #everyMs: number
  readonly #limit: number
  readonly #last = new Map<string, number>()

  constructor(everyMs: number, limit = 10_000) {
    this.#everyMs = everyMs
    this.#limit = limit
  }

  /** Whether this was not seen for that long; it counts as seen from now on. `now` in milliseconds. */
  isNews(key: string, now: number): boolean {
    const last = this.#last.get(key)
    if (last !== undefined && now - last < this.#everyMs && now >= last) return false
    if (this.#last.size >= this.#limit) this.#last.clear()
    this.#last.set(key, now)
    return true
  }
}
