import { catalogue, QuorateError } from '@quorate/shared/errors'

/** One case that no answer is allowed for, with the seed that repeats it. */
interface Found {
  readonly subject: string
  readonly seed: number
  readonly why: string
}

/** What a round did. The counts are by subject: a parser or an operation. */
export interface Round {
  readonly cases: number
  readonly answers: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly found: readonly Found[]
}

/** Findings of one subject look alike. */
const shownOfEach = 3

/** Counts answers by subject, and keeps what was found. */
export class Tally {
  private cases = 0
  private readonly answers = new Map<string, Map<string, number>>()
  private readonly found: Found[] = []

  count(subject: string, answer: string): void {
    this.cases++
    const known = this.answers.get(subject) ?? new Map<string, number>()
    this.answers.set(subject, known.set(answer, (known.get(answer) ?? 0) + 1))
  }

  /** It is printed at once: what comes after may not end. */
  find(found: Found): void {
    if (this.found.filter(({ subject }) => subject === found.subject).length < shownOfEach)
      console.log(`  found: ${found.subject}, --seed ${found.seed}: ${found.why.slice(0, 1500)}`)
    this.found.push(found)
  }

  get round(): Round {
    return { cases: this.cases, answers: this.answers, found: this.found }
  }
}

/** The code of an error from the table; otherwise why it is none. INTERNAL is the code of a bug. */
export function answerOf(error: unknown): { readonly code: string } | { readonly bug: string } {
  if (error instanceof QuorateError && error.code !== 'INTERNAL' && Object.hasOwn(catalogue, error.code))
    return { code: error.code }
  return { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
