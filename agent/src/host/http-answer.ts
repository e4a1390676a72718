/** What is known so far of a partly received response. */
export interface HttpAnswer {
  readonly status: number
  /** The response is complete. */
  readonly complete: boolean
  /** The connection can be used again. */
  readonly keepsOpen: boolean
  /**
   * An API server that is shutting down answers /readyz with 500 and `[-]shutdown failed`, and everything else as before: clients should
   * use another connection.
   */
  readonly isEnding: boolean
}

const version = 'HTTP/1.1'
const headEnd = '\r\n\r\n'
/** `HTTP/1.1 200` */
const statusEnd = 12
const lastChunk = '0\r\n\r\n'

/**
 * An HTTP/1.1 response as API servers write it (RFC 9112): with a length or in chunks; undefined before its head is complete. Only
 * the status matters, so the body is only searched for its end. Anything else has status 0.
 */
export function readHttpAnswer(bytes: Buffer): HttpAnswer | undefined {
  const text = bytes.toString('latin1')
  if (!text.startsWith(version)) return text.length < version.length ? undefined : notHttp
  const end = text.indexOf(headEnd)
  if (end === -1) return undefined
  const head = text.slice(0, end + 2).toLowerCase()
  const body = text.length - end - headEnd.length
  const status = Number(head.slice(9, 12)) || 0
  const keepsOpen = !head.includes('\r\nconnection: close\r\n')
  const length = /\r\ncontent-length: *(\d+)\r\n/.exec(head)?.[1]
  const isEnding = status === 500 && failedChecks(text.slice(end)) === 'shutdown'
  if (length !== undefined) return { status, complete: body >= Number(length), keepsOpen, isEnding }
  if (head.includes('\r\ntransfer-encoding: chunked\r\n'))
    return { status, complete: text.endsWith(lastChunk), keepsOpen, isEnding }
  // It ends with the connection: nothing more to wait for.
  return { status, complete: true, keepsOpen: false, isEnding }
}

/** Names of the failed checks of /readyz: `[-]etcd failed: reason withheld`. */
const failedChecks = (body: string): string =>
  [...body.matchAll(/\[-\]([^\s[]+) failed/g)].map(([, name]) => name).join(' ')

const notHttp: HttpAnswer = { status: 0, complete: true, keepsOpen: false, isEnding: false }

/**
 * A complete response and its bytes. The next one on the connection nearly always differs only in an id and a date: comparing
 * costs a tenth of parsing.
 */
export class KnownAnswer {
  readonly answer: HttpAnswer
  readonly #bytes: Buffer
  readonly #tailAt: number

  constructor(answer: HttpAnswer, bytes: Buffer) {
    this.answer = answer
    this.#bytes = bytes
    // Go's net/http writes this header last, except for one that announces the end of the connection.
    const tailAt = bytes.indexOf('\r\nContent-Length:')
    this.#tailAt = tailAt === -1 ? 0 : tailAt
  }

  /** The same status, and identical bytes from the header with the length on. */
  isLike(bytes: Buffer, length: number): boolean {
    return length === this.#bytes.length && this.#same(bytes, 0, statusEnd) && this.#same(bytes, this.#tailAt, length)
  }

  #same(bytes: Buffer, from: number, to: number): boolean {
    for (let at = from; at < to; at++) if (bytes[at] !== this.#bytes[at]) return false
    return true
  }
}
