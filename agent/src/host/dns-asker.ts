import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { dnsProblem, dnsQuestion } from './dns-question.js'
import type { DnsQuestion } from './network.js'
import type { OwnPace, Waiting } from './own-pace.js'

interface Asked extends Waiting {
  readonly socket: Socket
}

/** One question to a DNS server, each time from a socket of its own as a resolver does: a kept one would be led to one and the same pod. */
export class DnsAsker {
  readonly #question: DnsQuestion
  readonly #pace: OwnPace
  readonly #giveUpMs: number
  readonly #asked = new Set<Asked>()

  constructor(question: DnsQuestion, pace: OwnPace, giveUpMs: number) {
    this.#question = question
    this.#pace = pace
    this.#giveUpMs = giveUpMs
  }

  /** Each question is new by itself. */
  renew(): void {}

  stop(): void {
    for (const { socket } of this.#asked) socket.close()
    this.#asked.clear()
  }

  ask(now: number): void {
    for (const asked of this.#asked) {
      // What has come meanwhile is read first: it may be this process that is late.
      if (this.#pace.waited(asked, now) > this.#giveUpMs)
        setImmediate(() => this.#ended(asked, { error: `no answer within ${this.#giveUpMs} ms` }))
    }
    const { host, port, dnsName } = this.#question
    const { id, bytes } = dnsQuestion(dnsName)
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    const asked = { socket, askedAt: now, stalledBefore: this.#pace.stalledMs }
    this.#asked.add(asked)
    socket.on('message', (answer) => {
      const problem = dnsProblem(answer, id)
      if (problem !== 'unrelated') this.#ended(asked, problem === undefined ? { status: 200 } : { error: problem })
    })
    socket.on('error', ({ message }) => this.#ended(asked, { error: message }))
    socket.connect(port, host, () => {
      if (this.#asked.has(asked)) socket.send(bytes)
    })
  }

  #ended(asked: Asked, end: { readonly status: number } | { readonly error: string }): void {
    if (!this.#asked.delete(asked)) return
    asked.socket.close()
    const at = performance.now()
    this.#pace.look(at)
    this.#question.answered({ ...end, askedAt: asked.askedAt, at, stalled: this.#pace.stalled(asked) })
  }
}
