import type { TLSSocket } from 'node:tls'
import type { MeasurePathRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { connectFirst, secure, sha256Of } from './secure-socket.js'

/** Enough for a rate, and on a network that carries a cluster's traffic over before anybody notices. */
const mostBytes = 16 * 2 ** 20
const sendMs = 250
/** For what is under way when the last byte was written. */
const longestMs = 10_000
const chunk = Buffer.alloc(64 * 1024)

/**
 * Bytes a second to the holder of the port with that certificate (held-ports.ts), over TLS as etcd's members speak: from the first byte until the
 * other side has hung up, which it does when it has taken all. Rejects where it is not met, and before anything is sent to somebody else.
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
    if (shown !== certificateSha256) throw new Error(`another certificate is shown there: ${shown}`)
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
