import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { isCode } from './durable-file.js'
import type { HeldPorts } from './network.js'

/** Listens on each port that is free (at all addresses where none is given) with a certificate made for this moment; sends nothing to a client that connects, and discards what it receives. */
export async function holdPorts(ports: readonly number[], address: string | undefined): Promise<HeldPorts> {
  // Loaded when it is needed: issuing certificates takes 2 MiB that an idle agent has no use for.
  const { throwAwayCertificate } = await import('@quorate/shared/issue-certificate')
  const { certPem, keyPem, sha256 } = throwAwayCertificate()
  const holding = new Map<number, Server>()
  const callers = new Set<Socket>()
  let free = () => {}
  const closed = new Promise<void>((resolve) => {
    free = resolve
  })
  const close = async (): Promise<void> => {
    // Somebody who connected and is silent must not keep the port.
    for (const caller of callers) caller.destroy()
    await Promise.all([...holding.values()].map((server) => new Promise((done) => server.close(done))))
    free()
  }
  try {
    for (const port of ports) {
      const server = createServer({ cert: certPem, key: keyPem }, takeAll)
      server.on('connection', (caller: Socket) => {
        callers.add(caller)
        caller.once('close', () => callers.delete(caller))
      })
      // A prober that hangs up in the middle of the handshake is no news.
      server.on('tlsClientError', (_error, socket) => socket.destroy())
      if (await listen(server, port, address)) holding.set(port, server)
    }
  } catch (error) {
    await close()
    throw error
  }
  const inUse = ports.filter((port) => !holding.has(port))
  return { listening: [...holding.keys()], inUse, certificateSha256: sha256, closed, close }
}

/** More than any agent sends to measure the path. */
const mostBytes = 32 * 2 ** 20

/** Hangs up when the caller has, or has sent too much. */
function takeAll(socket: TLSSocket): void {
  let taken = 0
  socket.on('data', (bytes) => {
    taken += bytes.length
    if (taken > mostBytes) socket.destroy()
  })
  socket.on('error', () => {})
}

/** False when somebody listens there already. */
function listen(server: Server, port: number, host: string | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => (isCode(error, 'EADDRINUSE') ? resolve(false) : reject(error)))
    // Without an address Node takes `::`, and `0.0.0.0` where the kernel has no IPv6.
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => resolve(true))
  })
}
