import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { MutualTlsIdentity } from '@quorate/shared/mtls'

/** What a hostile agent does with one call. `session` is its connection. */
export type Misbehaviour = (call: HostileCall) => void | Promise<void>

interface HostileCall {
  /** `GetNodeFacts` */
  readonly method: string
  readonly stream: ServerHttp2Stream
  readonly session: ServerHttp2Session
}

export interface HostileAgent {
  readonly port: number
  /** Gives it its certificate: before, it has a port only. */
  identify(identity: MutualTlsIdentity): void
  close(): void
}

/** A message as gRPC frames it. `length` is what the frame claims, if it lies. */
export function framed(message: Uint8Array, { length = message.length, compressed = false } = {}): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(compressed ? 1 : 0, 0)
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, message])
}

const begin = { ':status': 200, 'content-type': 'application/grpc+proto' }

/** Begins an answer; ends with `trailers` when the caller ends the stream. */
export function respond(
  stream: ServerHttp2Stream,
  trailers: Record<string, string> = { 'grpc-status': '0' },
  more: Record<string, string> = {},
): void {
  stream.respond({ ...begin, ...more }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
}

/** Answers with these messages, then the status. */
export const answers =
  (...messages: readonly Uint8Array[]): Misbehaviour =>
  ({ stream }) => {
    respond(stream)
    stream.end(Buffer.concat(messages.map((message) => framed(message))))
  }

/** Answers without a message: status and metadata only. */
export const refuses =
  (trailers: Record<string, string>): Misbehaviour =>
  ({ stream }) => {
    stream.respond({ ...begin, ...trailers }, { endStream: true })
  }

/** Writes the same bytes until the caller hangs up, as fast as it reads. */
export function flood(stream: ServerHttp2Stream, bytes: Uint8Array): void {
  const more = (): void => {
    while (!stream.destroyed && stream.write(bytes)) {
      // until the window is full
    }
  }
  stream.on('drain', more)
  more()
}

/** Answers with the same bytes, without end. */
export const endless =
  (bytes: Uint8Array): Misbehaviour =>
  ({ stream }) => {
    respond(stream)
    flood(stream, bytes)
  }

/** An agent with a certificate of the fleet that speaks HTTP/2 by hand, so that nothing keeps it within gRPC. */
export async function serveHostile(misbehave: Misbehaviour): Promise<HostileAgent> {
  const server = createSecureServer({ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' })
  const close = misbehaving(server, misbehave)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    identify: (identity) => server.setSecureContext(identity),
    close,
  }
}

/** The same without TLS, at a unix socket; the result closes it. */
export async function serveHostileSocket(path: string, misbehave: Misbehaviour): Promise<() => void> {
  const server = createServer()
  const close = misbehaving(server, misbehave)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return close
}

function misbehaving(server: Http2Server | Http2SecureServer, misbehave: Misbehaviour): () => void {
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => undefined)
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: Http2ServerRequest['headers']) => {
    stream.on('error', () => undefined)
    const method = String(headers[':path']).split('/').at(-1) ?? ''
    void misbehave({ method, stream, session: stream.session as ServerHttp2Session })
  })
  server.on('sessionError', () => undefined)
  return () => {
    for (const session of sessions) session.destroy()
    server.close()
  }
}
