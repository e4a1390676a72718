import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { KeptLine, type LineEnd } from './kept-line.js'
import type { Asking, Question } from './network.js'

/** As long as a client of the cluster's own waits for a server that does not answer (lab/probe.mjs). */
const giveUpMs = 2_000
/** Who has no answer after this asks on another line too, as another client would: a dead line must not look longer than the outage is. */
const impatientMs = 250
const mostLines = 8
const resolveAgainMs = 1_000

/**
 * All questions by one timer: to wake up for each of them costs about a third of what asking it costs. The fastest is asked at every beat, a slower
 * one at every second, third or so.
 */
export function keepAsking(
  questions: readonly Question[],
  freshMs: number,
  resolve: (host: string) => Promise<string[]>,
): Asking {
  const beatMs = Math.min(...questions.map(({ everyMs }) => everyMs))
  const askers = questions.map((question) => ({
    asker: new Asker(question, () => resolve(question.host)),
    beats: Math.max(1, Math.round(question.everyMs / beatMs)),
  }))
  let [beat, freshened, freshAt] = [0, 0, performance.now() + freshMs]
  const timer = setInterval(() => {
    const now = performance.now()
    if (now >= freshAt) {
      askers[freshened++ % askers.length]?.asker.renew()
      freshAt = now + freshMs
    }
    for (const { asker, beats } of askers) if (beat % beats === 0) asker.ask(now)
    beat++
  }, beatMs)
  return {
    stop() {
      clearInterval(timer)
      for (const { asker } of askers) asker.stop()
    },
  }
}

/** One question over kept connections, whenever it is told to ask. */
class Asker {
  readonly #question: Question
  readonly #resolve: () => Promise<string[]>
  readonly #context: SecureContext
  readonly #asked = new Map<KeptLine, number>()
  /** Undefined until the first answer of the resolver. */
  #addresses: readonly string[] | undefined
  #resolvedAt = -resolveAgainMs
  #idle: KeptLine | undefined
  #isOld = false
  #stopped = false

  constructor(question: Question, resolve: () => Promise<string[]>) {
    this.#question = question
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
    this.#idle?.drop()
    for (const line of this.#asked.keys()) line.drop()
    this.#asked.clear()
  }

  async #lookUp(): Promise<void> {
    this.#resolvedAt = performance.now()
    this.#addresses = await this.#resolve().catch(() => [])
  }

  /** The next question goes over a new connection. */
  renew(): void {
    this.#isOld = true
  }

  ask(now: number): void {
    if (this.#addresses === undefined) return
    // What has come meanwhile is read first: it may be this process that is late.
    for (const line of this.#asked.keys()) if (now - line.askedAt > giveUpMs) setImmediate(() => this.#giveUp(line))
    const line = this.#takeIdle()
    if (line !== undefined) this.#ask(line, 0)
    else if (this.#mayAskAnew(now)) this.#askAnew(0)
  }

  #giveUp(line: KeptLine): void {
    if (this.#asked.has(line)) line.giveUp(`no answer within ${giveUpMs} ms`)
  }

  /** The line that waits for a question, unless it is old or was closed. */
  #takeIdle(): KeptLine | undefined {
    const line = this.#idle
    this.#idle = undefined
    if (line === undefined || !line.isOpen) return undefined
    if (!this.#isOld) return line
    this.#isOld = false
    line.close()
    return undefined
  }

  #mayAskAnew(now: number): boolean {
    const last = Math.max(0, ...[...this.#asked.keys()].map(({ askedAt }) => askedAt))
    return this.#asked.size === 0 || (now - last >= impatientMs && this.#asked.size < mostLines)
  }

  #askAnew(index: number): void {
    const { port, host, serverName } = this.#question
    const address = this.#addresses?.[index]
    if (address === undefined) {
      this.#failed(`${host} has no address on this node`, 0)
      return
    }
    const sni = isIP(serverName) === 0 ? serverName : ''
    const dialled = { address, port, secureContext: this.#context, serverName, sni }
    this.#ask(new KeptLine(dialled, (line, end) => this.#ended(line, end)), index)
  }

  #ask(line: KeptLine, index: number): void {
    this.#asked.set(line, index)
    line.ask(this.#question.request())
  }

  #ended(line: KeptLine, end: LineEnd): void {
    const index = this.#asked.get(line) ?? 0
    this.#asked.delete(line)
    if (this.#stopped) return
    if ('status' in end) {
      this.#keep(line)
      this.#question.answered({ status: end.status, tookMs: performance.now() - line.askedAt })
    } else if (end.unheard && this.#question.isRepeatable) {
      // As Go's net/http, and so every client of Kubernetes: what was not heard on a kept connection is asked again on a new one.
      this.#askAnew(0)
    } else if (!line.isSecure && index + 1 < (this.#addresses?.length ?? 0)) {
      // The name has another address: who cannot connect tries that.
      this.#askAnew(index + 1)
    } else this.#failed(end.error, performance.now() - line.askedAt)
  }

  #keep(line: KeptLine): void {
    if (!line.isOpen) return
    if (this.#idle === undefined) this.#idle = line
    else line.close()
  }

  #failed(error: string, tookMs: number): void {
    if (performance.now() - this.#resolvedAt > resolveAgainMs) void this.#lookUp()
    this.#question.answered({ error, tookMs })
  }
}
