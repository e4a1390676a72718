import { type ConnectionOptions, checkServerIdentity, connect, type SecureContext, type TLSSocket } from 'node:tls'
import { type HttpAnswer, KnownAnswer, readHttpAnswer } from './http-answer.js'

export interface Dialled {
  readonly address: string
  readonly port: number
  readonly secureContext: SecureContext
  /** Name or address that the certificate must be valid for; empty: only the chain is verified. */
  readonly serverName: string
  /** Sent as SNI; empty: none, as for an address (RFC 6066, section 3). */
  readonly sni: string
}

/** How a question ended: with a status, or without a response. `unheard`: the server closed a kept connection before it sent anything. */
export type LineEnd = { readonly status: number } | { readonly error: string; readonly unheard: boolean }

/** Into one buffer of ours instead of a stream of new ones; an option of net.connect, which tls.connect passes on (lib/_tls_wrap.js). */
interface OnRead {
  readonly onread: { readonly buffer: Buffer; callback(length: number, buffer: Buffer): boolean }
}

/** Large enough for every expected response. */
const bufferBytes = 8 * 1024
/** /readyz answers with a few hundred bytes, with its checks listed a few thousand; each piece that comes is read with all before it. */
const mostAnswerBytes = 256 * 1024

/** One TLS connection with one question at a time. Raw, because Node's own HTTP client would cost ten times as much per request. */
export class KeptLine {
  /** Of this process's monotonic clock, milliseconds. */
  askedAt = 0
  /** How long this machine had stalled when the question was asked; kept for the caller. */
  stalledBefore = 0
  /** A question is in progress. */
  isAsked = false
  /** The handshake is done and the certificate is verified. */
  isSecure = false
  /** It can take a question, now or after the current one. */
  isOpen = true
  readonly #socket: TLSSocket
  readonly #ended: (end: LineEnd) => void
  #hasAnswered = false
  /** The received part of an incomplete response. */
  #received: Buffer | undefined
  #last: KnownAnswer | undefined
  #unsent: Buffer | undefined

  constructor(dialled: Dialled, ended: (end: LineEnd) => void) {
    const { address, port, secureContext, serverName, sni } = dialled
    this.#ended = ended
    const options: ConnectionOptions & OnRead = {
      host: address,
      port,
      secureContext,
      servername: sni,
      ALPNProtocols: ['http/1.1'],
      checkServerIdentity: (_host, certificate) =>
        serverName === '' ? undefined : checkServerIdentity(serverName, certificate),
      onread: { buffer: Buffer.allocUnsafe(bufferBytes), callback: (length, buffer) => this.#take(length, buffer) },
    }
    this.#socket = connect(options)
    this.#socket.setNoDelay(true)
    this.#socket.once('secureConnect', () => {
      this.isSecure = true
      if (this.#unsent !== undefined) this.#socket.write(this.#unsent)
    })
    this.#socket.on('error', (error) => this.#lost(error.message))
    this.#socket.once('close', () => this.#lost('the connection was closed'))
  }

  /** Nothing is sent before the certificate is verified: until then the question waits. */
  ask(request: Buffer, now: number): void {
    this.askedAt = now
    this.isAsked = true
    this.#received = undefined
    if (this.isSecure) this.#socket.write(request)
    else this.#unsent = request
  }

  /** The question gets no answer; the connection is no longer usable. */
  giveUp(error: string): void {
    this.#socket.destroy()
    this.#lost(error)
  }

  /** Closes at once, without a callback. */
  close(): void {
    this.isOpen = false
    this.isAsked = false
    this.#socket.destroy()
  }

  /** True: the socket takes more. */
  #take(length: number, buffer: Buffer): boolean {
    if (!this.isAsked) return true
    if (this.#received === undefined && this.#last?.isLike(buffer, length)) {
      this.#answered(this.#last.answer)
      return true
    }
    const bytes = buffer.subarray(0, length)
    // The buffer is reused: what is kept must be copied.
    this.#received = Buffer.concat(this.#received === undefined ? [bytes] : [this.#received, bytes])
    if (this.#received.length > mostAnswerBytes) this.giveUp(`the answer has more than ${mostAnswerBytes} bytes`)
    if (!this.isAsked) return true
    const answer = readHttpAnswer(this.#received)
    if (answer?.complete !== true) return true
    this.#last = new KnownAnswer(answer, this.#received)
    this.#answered(answer)
    return true
  }

  #answered(answer: HttpAnswer): void {
    this.isAsked = false
    const wasKept = this.#hasAnswered
    this.#hasAnswered = true
    if (!answer.keepsOpen || answer.isEnding) this.close()
    if (answer.isEnding) this.#ended({ error: 'HTTP 500: the API server is shutting down', unheard: wasKept })
    else this.#ended(answer.status === 0 ? { error: 'not an answer of HTTP/1.1', unheard: false } : answer)
  }

  #lost(error: string): void {
    this.isOpen = false
    if (!this.isAsked) return
    this.isAsked = false
    this.#ended({ error, unheard: this.#hasAnswered && this.#received === undefined })
  }
}
