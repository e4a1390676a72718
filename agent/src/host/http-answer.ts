/** What has come of an answer so far, as far as it can be told. */
export interface HttpAnswer {
  readonly status: number
  /** All of it is here. */
  readonly complete: boolean
  /** The connection may be asked again. */
  readonly keepsOpen: boolean
}

const headEnd = '\r\n\r\n'
const lastChunk = '0\r\n\r\n'

/**
 * An HTTP/1.1 answer as API servers write it (RFC 9112): with a length or in chunks; undefined before its head is complete. Nothing but
 * the status counts here, so that a body is looked at only for its end. What is no answer has status 0.
 */
export function readHttpAnswer(bytes: Buffer): HttpAnswer | undefined {
  const end = bytes.indexOf(headEnd)
  if (end === -1) return bytes.length < 8 || isHttp(bytes) ? undefined : notHttp
  if (!isHttp(bytes)) return notHttp
  const head = bytes.toString('latin1', 0, end + 2).toLowerCase()
  const body = bytes.length - end - headEnd.length
  const status = Number(head.slice(9, 12)) || 0
  const keepsOpen = !head.includes('\r\nconnection: close\r\n')
  const length = /\r\ncontent-length: *(\d+)\r\n/.exec(head)?.[1]
  if (length !== undefined) return { status, complete: body >= Number(length), keepsOpen }
  if (head.includes('\r\ntransfer-encoding: chunked\r\n'))
    return { status, complete: bytes.toString('latin1', bytes.length - lastChunk.length) === lastChunk, keepsOpen }
  // Its end is the connection's: nothing more is waited for.
  return { status, complete: true, keepsOpen: false }
}

const isHttp = (bytes: Buffer): boolean => bytes.toString('latin1', 0, 8) === 'HTTP/1.1'
const notHttp: HttpAnswer = { status: 0, complete: true, keepsOpen: false }
