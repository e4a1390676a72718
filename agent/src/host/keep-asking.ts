import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { DnsAsker } from './dns-asker.js'
import { KeptLine, type LineEnd } from './kept-line.js'
import type { Asking, HttpsQuestion, Question } from './network.js'
import { OwnPace, type Waiting } from './own-pace.js'

/** As long as a cluster's own client waits for a server that does not answer (lab/probe.mjs). */
const giveUpMs = 2_000
/** Without an answer after this time it also asks on another connection, as another client would: a dead connection must not look longer than the outage. */
const impatientMs = 250
const mostLines = 8
const resolveAgainMs = 1_000

/**
 * One timer for all questions: a timer for each would cost about a third of asking. The fastest is asked at every tick, a slower
 * one at every second, third and so on.
 */
export function keepAsking(
  questions: readonly Question[],
  freshMs: number,
  resolve: (host: string) => Promise<string[]>,
): Asking {
  const beatMs = Math.min(...questions.map(({ everyMs }) => everyMs))
  const pace = new OwnPace(beatMs, performance.now())
  const beatsOf = (ms: number): number => Math.max(1, Math.round(ms / beatMs))
  const askers = questions.map((question) => ({
    asker:
      'dnsName' in question
        ? new DnsAsker(question, pace, giveUpMs)
        : new Asker(question, pace, () => resolve(question.host)),
    beats: beatsOf(question.everyMs),
    freshBeats: 'freshMs' in question && question.freshMs > 0 ? beatsOf(question.freshMs) : undefined,
  }))
  const inTurn = askers.filter(({ freshBeats }) => freshBeats === undefined)
  let [beat, freshened, freshAt] = [0, 0, performance.now() + freshMs]
  const timer = setInterval(() => {
    const now = performance.now()
    pace.beat(now)
    if (now >= freshAt) {
      inTurn[freshened++ % inTurn.length]?.asker.renew()
      freshAt = now + freshMs
    }
    for (const { asker, beats, freshBeats } of askers) {
      if (freshBeats !== undefined && beat % freshBeats === 0) asker.renew()
      if (beat % beats === 0) asker.ask(now)
    }
    beat++
  }, beatMs)
  return {
    stop() {
      clearInterval(timer)
      for (const { asker } of askers) asker.stop()
    },
  }
}

/** One question over kept connections, each time it is triggered. */
class Asker {
  readonly #question: HttpsQuestion
  readonly #pace: OwnPace
  readonly #resolve: () => Promise<string[]>
  readonly #context: SecureContext
  /** The connections in use, and some that are closed already. */
  #lines: readonly KeptLine[] = []
  /** Undefined until the first answer of the resolver. */
  #addresses: readonly string[] | undefined
  #resolvedAt = -resolveAgainMs
  /** The connection in normal use; the others are those of an impatient client. */
  #kept: KeptLine | undefined
  #isOld = false
  #stopped = false

  constructor(question: HttpsQuestion, pace: OwnPace, resolve: () => Promise<string[]>) {
    this.#question = question
    this.#pace = pace
    this.#resolve = resolve
    const { caPem, credentials } = question
    // Made once: parsing the CA for each connection would cost more than the handshake.
    this.#context = createSecureContext({
      ca: caPem,
      ...(credentials === undefined ? {} : { cert: credentials.cert, key: credentials.key }),
      // As in secure-socket.ts: the cluster's CA ends the chain.
      allowPartialTrustChain: true,
    })
    void this.#lookUp()
  }

  stop(): void {
    this.#stopped = true
    for (const line of this.#lines) line.close()
  }

  async #lookUp(): Promise<void> {
    this.#resolvedAt = performance.now()
    this.#addresses = await this.#resolve().catch(() => [])
  }

  /** The next question uses a new connection. */
  renew(): void {
    this.#isOld = true
  }

  ask(now: number): void {
    if (this.#addresses === undefined) return
    for (const line of this.#lines) {
      // Read what has already arrived first: this process itself may be late.
      if (line.isAsked && this.#pace.waited(line, now) > giveUpMs) setImmediate(() => this.#giveUp(line))
    }
    const kept = this.#kept
    if (kept === undefined || !isIdle(kept)) {
      if (this.#mayAskAnew(now)) this.#askAnew(0, now)
    } else if (this.#isOld) {
      this.#isOld = false
      kept.close()
      this.#askAnew(0, now)
    } else this.#askOn(kept, now)
  }

  #giveUp(line: KeptLine): void {
    if (line.isAsked) line.giveUp(`no answer within ${giveUpMs} ms`)
  }

  #mayAskAnew(now: number): boolean {
    const asked = this.#lines.filter(({ isAsked }) => isAsked)
    return asked.length < mostLines && asked.every((line) => this.#pace.waited(line, now) >= impatientMs)
  }

  #askAnew(index: number, now: number): void {
    const { port, host, serverName } = this.#question
    const address = this.#addresses?.[index]
    if (address === undefined) {
      this.#failed(`${host} has no address on this node`, { askedAt: now, stalledBefore: this.#pace.stalledMs })
      return
    }
    const sni = isIP(serverName) === 0 ? serverName : ''
    const dialled = { address, port, secureContext: this.#context, serverName, sni }
    const line: KeptLine = new KeptLine(dialled, (end) => this.#ended(line, end, index))
    this.#lines = [...this.#lines.filter(({ isOpen, isAsked }) => isOpen || isAsked), line]
    this.#askOn(line, now)
  }

  #askOn(line: KeptLine, now: number): void {
    line.stalledBefore = this.#pace.stalledMs
    line.ask(this.#question.request(), now)
  }

  #ended(line: KeptLine, end: LineEnd, index: number): void {
    if (this.#stopped) return
    const now = performance.now()
    this.#pace.look(now)
    if ('status' in end) {
      if (line !== this.#kept) this.#keep(line)
      this.#answered({ status: end.status }, line, now)
    } else if (end.unheard && this.#question.isRepeatable) {
      // As Go's net/http, and so every Kubernetes client: a request without any response on a kept connection is repeated on a new one.
      this.#askAnew(0, now)
    } else if (!line.isSecure && index + 1 < (this.#addresses?.length ?? 0)) {
      // The name may have another address: on a failed connection the next one is tried.
      this.#askAnew(index + 1, now)
    } else this.#failed(end.error, line)
  }

  #keep(line: KeptLine): void {
    if (this.#kept !== undefined && isIdle(this.#kept)) line.close()
    else this.#kept = line
  }

  #failed(error: string, asked: Waiting): void {
    const at = performance.now()
    if (at - this.#resolvedAt > resolveAgainMs) void this.#lookUp()
    this.#answered({ error }, asked, at)
  }

  #answered(end: { readonly status: number } | { readonly error: string }, asked: Waiting, at: number): void {
    this.#question.answered({ ...end, askedAt: asked.askedAt, at, stalled: this.#pace.stalled(asked) })
  }
}

const isIdle = ({ isOpen, isAsked }: KeptLine): boolean => isOpen && !isAsked
