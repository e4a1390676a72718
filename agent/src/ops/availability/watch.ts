import type { AvailabilitySeen, AvailabilityTarget } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { Answered, Asking, ClientCredentials, Question } from '../../host/network.js'
import type { Tools } from '../context/tools.js'
import { deleteLease, makeLease } from './lease.js'
import { readQuestion, writeQuestion } from './questions.js'
import { type Moment, Tally } from './tally.js'

export interface WatchParts {
  readonly tools: Tools
  readonly targets: readonly AvailabilityTarget[]
  readonly caPem: string
  /** Of admin.conf; undefined on a node without it: then nothing is written. */
  readonly credentials: ClientCredentials | undefined
  readonly everyMs: { readonly read: number; readonly write: number }
}

/** A Lease that cannot be deleted now is deleted by the next watch. */
const deleteMs = 3_000
const makeAgainMs = 1_000
/**
 * One new connection every two seconds, in turn among all targets: a handshake costs as much as ten answers. Reads and writes through the
 * endpoint are two of five targets, and two nodes watch: its load balancer gets a new client every three seconds on average.
 */
const newLineMs = 2_000

/** Asks all targets from its creation until `end`. */
export class Watch {
  readonly #parts: WatchParts
  readonly #tallies: readonly Tally[]
  readonly #asking: Asking
  readonly #ends = new AbortController()
  /** A clock that never decreases, unlike a machine's clock that is set. */
  readonly #bootedAt = Date.now() - performance.now()
  #making: Promise<unknown> = Promise.resolve()
  #madeAt = -makeAgainMs

  constructor(parts: WatchParts) {
    this.#parts = parts
    this.#tallies = parts.targets.map(({ name, onceGood }) => new Tally(name, this.now(), onceGood))
    const questions = parts.targets.map((target, index) => this.#question(target, this.#tallies[index] as Tally))
    this.#asking = parts.tools.network.keepAsking(questions, newLineMs)
    if (parts.targets.some(({ write }) => write)) this.#makeLease()
  }

  now(): number {
    return this.#bootedAt + performance.now()
  }

  /** What is new since the previous call, for each target. */
  take(): AvailabilitySeen[] {
    return this.#tallies.map((tally) => tally.take(this.now()))
  }

  /** Stops asking and deletes what the writes needed; a watch that replaces this one need not wait for that. Never rejects. */
  async end(replaced?: AbortSignal): Promise<void> {
    this.#asking.stop()
    this.#ends.abort()
    await this.#making
    if (!this.#parts.targets.some(({ write }) => write)) return
    const enough = AbortSignal.any([AbortSignal.timeout(deleteMs), ...(replaced === undefined ? [] : [replaced])])
    await deleteLease(this.#parts.tools, enough).catch(() => undefined)
  }

  #question(target: AvailabilityTarget, tally: Tally): Question {
    const { caPem, credentials, everyMs } = this.#parts
    const { host, port, serverName, write } = target
    const usualMs = write ? everyMs.write : everyMs.read
    if (target.dnsName !== undefined)
      return { host, port, everyMs: usualMs, dnsName: target.dnsName, answered: this.#read(tally) }
    return {
      ...{ host, port, serverName, caPem },
      credentials: write ? credentials : undefined,
      everyMs: target.everyMs === 0 ? usualMs : Math.max(everyMs.read, target.everyMs),
      freshMs: target.freshEveryMs ?? 0,
      isRepeatable: !write,
      request: write ? writeQuestion(target) : readQuestion(target),
      answered: write ? this.#written(tally) : this.#read(tally),
    }
  }

  /** Where anonymous requests are refused, only an API server refuses them, from the first answer on. */
  #read(tally: Tally): (answer: Answered) => void {
    let refusesAnonymous: boolean | undefined
    return (answer) => {
      if ('error' in answer) return tally.failed(answer.error, this.#moment(answer))
      const isRefusal = answer.status === 401 || answer.status === 403
      refusesAnonymous ??= isRefusal
      if (answer.status === 200 || (isRefusal && refusesAnonymous)) tally.good(this.#moment(answer))
      else tally.failed(`HTTP ${answer.status}`, this.#moment(answer))
    }
  }

  /** In Unix milliseconds. */
  #moment({ askedAt, at, stalled }: Answered): Moment {
    return { askedAt: this.#bootedAt + askedAt, at: this.#bootedAt + at, stalled }
  }

  /** A missing Lease is no failure of the API server: it is made again. */
  #written(tally: Tally): (answer: Answered) => void {
    return (answer) => {
      if ('error' in answer) return tally.failed(answer.error, this.#moment(answer))
      if (answer.status === 200) tally.good(this.#moment(answer))
      else if (answer.status === 404) this.#makeLease()
      else tally.failed(`HTTP ${answer.status}`, this.#moment(answer))
    }
  }

  #makeLease(): void {
    if (this.now() - this.#madeAt < makeAgainMs) return
    this.#madeAt = this.now()
    this.#making = Promise.all([this.#making, makeLease(this.#parts.tools, this.#ends.signal)])
  }
}
