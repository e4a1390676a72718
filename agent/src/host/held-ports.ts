import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { isCode } from './durable-file.js'
import type { HeldPorts } from './network.js'

/** A probe opens 64 at most, and the path is measured by one. */
const mostCallers = 128

/** Listens on each free port (on all addresses if none is given) with a temporary certificate; sends nothing to clients and discards what they send. */
export async function holdPorts(ports: readonly number[], address: string | undefined): Promise<HeldPorts> {
  // Loaded on demand: issuing certificates takes 2 MiB that an idle agent does not need.
  const { throwAwayCertificate } = await import('@quorate/shared/issue-certificate')
  const { certPem, keyPem, sha256 } = throwAwayCertificate()
  const holding = new Map<number, Server>()
  const callers = new Set<Socket>()
  let free = () => {}
  const closed = new Promise<void>((resolve) => {
    free = resolve
  })
  const close = async (): Promise<void> => {
    // A silent client must not keep the port.
    for (const caller of callers) caller.destroy()
    await Promise.all([...holding.values()].map((server) => new Promise((done) => server.close(done))))
    free()
  }
  try {
    for (const port of ports) {
      const server = createServer({ cert: certPem, key: keyPem }, takeAll)
      server.maxConnections = mostCallers
      server.on('connection', (caller: Socket) => {
        callers.add(caller)
        caller.once('close', () => callers.delete(caller))
      })
      // A prober that hangs up during the handshake is ignored.
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

/** False if another program listens there. */
function listen(server: Server, port: number, host: string | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => (isCode(error, 'EADDRINUSE') ? resolve(false) : reject(error)))
    // Without an address Node uses `::`, and `0.0.0.0` if the kernel has no IPv6.
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => resolve(true))
  })
}
