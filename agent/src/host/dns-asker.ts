import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { dnsProblem, dnsQuestion } from './dns-question.js'
import type { DnsQuestion } from './network.js'
import type { OwnPace, Waiting } from './own-pace.js'

interface Asked extends Waiting {
  readonly socket: Socket
}

/** One question to a DNS server, each from a new socket as a resolver does: a kept socket would always reach the same pod. */
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

  /** Each question uses a new socket. */
  renew(): void {}

  stop(): void {
    for (const { socket } of this.#asked) socket.close()
    this.#asked.clear()
  }

  ask(now: number): void {
    for (const asked of this.#asked) {
      // Read what has already arrived first: this process itself may be late.
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
    // Node hands a host that cannot be reached to the callback, and emits no error then.
    socket.connect(port, host, (error?: Error) => {
      if (error) this.#ended(asked, { error: error.message })
      else if (this.#asked.has(asked)) socket.send(bytes)
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
