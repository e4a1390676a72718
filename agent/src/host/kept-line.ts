import { checkServerIdentity, connect, type SecureContext, type TLSSocket } from 'node:tls'
import { readHttpAnswer } from './http-answer.js'

export interface Dialled {
  readonly address: string
  readonly port: number
  readonly secureContext: SecureContext
  /** Name or address that the certificate must be for; empty: whatever the chain vouches for. */
  readonly serverName: string
  /** Sent as SNI; empty: none, as for an address (RFC 6066, section 3). */
  readonly sni: string
}

/** How a question ended: with an answer's status, or without one. `unheard`: the server hung up on a kept line before it said anything. */
export type LineEnd = { readonly status: number } | { readonly error: string; readonly unheard: boolean }

/** One TLS connection that takes a question at a time. Raw, because a client of Node's own would cost ten times as much for each. */
export class KeptLine {
  /** Of this process's monotonic clock, milliseconds. */
  readonly openedAt = performance.now()
  askedAt = 0
  /** The handshake is done and the certificate was verified. */
  isSecure = false
  /** It can be asked. */
  isOpen = true
  readonly #socket: TLSSocket
  readonly #ended: (line: KeptLine, end: LineEnd) => void
  #isAsked = false
  #hasAnswered = false
  #received: Buffer | undefined
  #unsent: Buffer | undefined

  constructor(dialled: Dialled, ended: (line: KeptLine, end: LineEnd) => void) {
    const { address, port, secureContext, serverName, sni } = dialled
    this.#ended = ended
    this.#socket = connect({
      host: address,
      port,
      secureContext,
      servername: sni,
      ALPNProtocols: ['http/1.1'],
      checkServerIdentity: (_host, certificate) =>
        serverName === '' ? undefined : checkServerIdentity(serverName, certificate),
    })
    this.#socket.setNoDelay(true)
    this.#socket.once('secureConnect', () => {
      this.isSecure = true
      if (this.#unsent !== undefined) this.#socket.write(this.#unsent)
    })
    this.#socket.on('data', (bytes) => this.#take(bytes))
    this.#socket.on('error', (error) => this.#lost(error.message))
    this.#socket.once('close', () => this.#lost('the connection was closed'))
  }

  /** Nothing is said to a server before its certificate was verified: until then the question waits. */
  ask(request: Buffer): void {
    this.askedAt = performance.now()
    this.#isAsked = true
    this.#received = undefined
    if (this.isSecure) this.#socket.write(request)
    else this.#unsent = request
  }

  /** The question has no answer; the line is of no use any more. */
  giveUp(error: string): void {
    this.#socket.destroy()
    this.#lost(error)
  }

  /** Hangs up as a client does that is done. */
  close(): void {
    this.isOpen = false
    this.#socket.end()
  }

  /** Hangs up at once; nobody is told. */
  drop(): void {
    this.isOpen = false
    this.#isAsked = false
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    if (!this.#isAsked) return
    this.#received = this.#received === undefined ? bytes : Buffer.concat([this.#received, bytes])
    const answer = readHttpAnswer(this.#received)
    if (answer === undefined || !answer.complete) return
    this.#isAsked = false
    this.#hasAnswered = true
    if (!answer.keepsOpen) this.close()
    this.#ended(this, answer.status === 0 ? { error: 'not an answer of HTTP/1.1', unheard: false } : answer)
  }

  #lost(error: string): void {
    this.isOpen = false
    if (!this.#isAsked) return
    this.#isAsked = false
    this.#ended(this, { error, unheard: this.#hasAnswered && this.#received === undefined })
  }
}
