import { QuorateError } from '@quorate/shared/errors'
import { redact } from '@quorate/shared/redact'

/** The most characters of one line or message of a node that are kept. */
const longestLine = 4_000

/** Text of a node for an error, the journal and the terminal: cut, and without what looks like a secret. */
export function saidByNode(text: string): string {
  const cut = text.length <= longestLine ? text : `${text.slice(0, longestLine)} ... (${text.length} characters)`
  return redact(cut)
}

/** An answer that no agent of Quorate gives; `what` completes "the agent ...". */
export const answerRefused = (node: string, what: string, cause?: unknown): QuorateError =>
  new QuorateError('AGENT_ANSWER_REFUSED', `the agent ${what}`, {
    where: node,
    ...(cause === undefined ? {} : { cause }),
  })

interface Most {
  readonly lines: number
  readonly characters: number
}

/** A join prints a few hundred lines; an agent repeats at most 2,000 when the coordinator comes back after a lost connection. */
export const ofOneCall: Most = { lines: 10_000, characters: 4 * 2 ** 20 }
/** All calls of one process to one node: a run keeps them in its journal. */
export const ofOneNode: Most = { lines: 100_000, characters: 16 * 2 ** 20 }

/** How much a node may report while it works. What is written to a disk has an end. */
export class Allowance {
  readonly #node: string
  readonly #most: Most
  readonly #within: Allowance | undefined
  #lines = 0
  #characters = 0

  constructor(node: string, most: Most, within?: Allowance) {
    this.#node = node
    this.#most = most
    this.#within = within
  }

  /** Counts a line and gives it as it may be kept; AGENT_ANSWER_REFUSED when there were too many. */
  line(text: string): string {
    const kept = saidByNode(text)
    this.#count(kept.length)
    return kept
  }

  #count(characters: number): void {
    if (this.#within !== undefined) this.#within.#count(characters)
    this.#lines += 1
    this.#characters += characters
    if (this.#lines > this.#most.lines || this.#characters > this.#most.characters)
      throw answerRefused(
        this.#node,
        `reports progress without end: ${this.#lines} lines, ${this.#characters} characters so far`,
      )
  }
}

/** A watch reports about once a second. After a pause of this machine many reports come at once. */
const [reportsAtOnce, reportsPerSecond] = [200, 20]

/** Passes reports on as long as they are not far more than the time allows. */
export async function* inPace<T>(node: string, reports: AsyncIterable<T>): AsyncIterable<T> {
  const began = performance.now()
  let count = 0
  for await (const report of reports) {
    const most = reportsAtOnce + (reportsPerSecond * (performance.now() - began)) / 1_000
    if (++count > most) throw answerRefused(node, `sent ${count} reports where at most ${Math.floor(most)} can be true`)
    yield report
  }
}
