import type { TLSSocket } from 'node:tls'
import type { MeasurePathRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { connectFirst, secure, sha256Of } from './secure-socket.js'

/** Enough for a rate, and sent quickly enough not to disturb a cluster's traffic. */
const mostBytes = 16 * 2 ** 20
const sendMs = 250
/** For bytes in transit after the last one was written. */
const longestMs = 10_000
const chunk = Buffer.alloc(64 * 1024)

/**
 * Bytes per second to the holder of the port with that certificate (held-ports.ts), over TLS like etcd's members: from the first byte until the
 * other side closes, which it does once it has received everything. Rejects if it cannot connect, and before it sends anything to another server.
 */
export async function measurePath(
  { host, port, certificateSha256 }: MeasurePathRequest,
  signal?: AbortSignal,
): Promise<number> {
  const timeout = AbortSignal.timeout(longestMs)
  const stop = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
  const socket = await connectFirst([host], port, stop)
  try {
    const secured = await secure(socket, { serverName: '', verifyName: false, signal: stop })
    const shown = sha256Of(secured.getPeerX509Certificate())
    if (shown !== certificateSha256) throw new Error(`the server shows another certificate: ${shown}`)
    const began = performance.now()
    const sent = await send(secured)
    await ended(secured)
    return Math.round((sent * 1_000) / (performance.now() - began))
  } finally {
    socket.destroy()
  }
}

async function send(socket: TLSSocket): Promise<number> {
  let sent = 0
  for (const began = performance.now(); sent < mostBytes && performance.now() - began < sendMs; sent += chunk.length)
    await new Promise<void>((resolve, reject) =>
      socket.write(chunk, (error) => (error == null ? resolve() : reject(error))),
    )
  return sent
}

function ended(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('end', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed before all had arrived')))
    socket.resume()
    socket.end()
  })
}
