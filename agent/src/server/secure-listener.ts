import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type PeerCertificate, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { type Server, ServerCredentials } from '@grpc/grpc-js'
import { type MutualTlsIdentity, serverTlsOptions } from '@quorate/shared/mtls'
import { handshakeLimits, UnprovenConnections } from '@quorate/shared/unproven-connections'

/** A coordinator has one connection, each command beside it another; a connection with its streams is at most 1 MiB. */
const mostOfOneCertificate = 64

export interface SecureListener {
  readonly port: number
  /** New connections are shown this identity; open ones go on. */
  use(identity: MutualTlsIdentity): void
  /** Ends the connections whose certificate is refused. */
  end(isRefused: (certificate: PeerCertificate) => boolean): void
  /** Ends, after that time, the connections that are open now: who may connect again does. */
  endOpen(afterMs: number): void
  /** Accepts nothing more. Connections that have shown their certificate are the gRPC server's to close. */
  close(): void
}

/**
 * Listens with mutual TLS in the place of a gRPC server, which would accept any number of connections and wait two minutes for the
 * certificate of each: it gets those alone whose handshake has ended well.
 */
export async function listenSecurely(
  server: Server,
  listen: string,
  identity: MutualTlsIdentity,
): Promise<SecureListener> {
  const accepting = createServer(serverTlsOptions(identity))
  const unproven = new UnprovenConnections(accepting, handshakeLimits)
  const hasRoom = countByCertificate()
  // What it gets is encrypted and proved already.
  const proven = new Set<TLSSocket>()
  const { injectConnection } = server.createConnectionInjector(ServerCredentials.createInsecure())
  accepting.on('secureConnection', (socket) => {
    // A peer that is gone is an end, not an error.
    socket.on('error', () => undefined)
    if (!unproven.prove(socket) || !hasRoom(socket)) return void socket.destroy()
    proven.add(socket)
    socket.once('close', () => proven.delete(socket))
    injectConnection(socket)
  })
  const port = await bind(accepting, listen)
  const close = () => {
    accepting.close()
    unproven.end()
  }
  return {
    port,
    use: (renewed) => accepting.setSecureContext(serverTlsOptions(renewed)),
    end(isRefused) {
      for (const socket of proven) if (isRefused(socket.getPeerCertificate())) socket.destroy()
    },
    endOpen(afterMs) {
      const open = [...proven]
      setTimeout(() => {
        for (const socket of open) socket.destroy()
      }, afterMs).unref()
    },
    close,
  }
}

async function bind(server: TlsServer, listen: string): Promise<number> {
  const [, host, port] = /^(.*):(\d+)$/.exec(listen) ?? []
  server.listen(Number(port), host?.replace(/^\[(.*)\]$/, '$1'))
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Whether the certificate of a connection may have one more; counts it until it closes. */
function countByCertificate(): (socket: TLSSocket) => boolean {
  const open = new Map<string, number>()
  return (socket) => {
    const key = socket.getPeerX509Certificate()?.fingerprint256 ?? ''
    const count = open.get(key) ?? 0
    if (count >= mostOfOneCertificate) return false
    open.set(key, count + 1)
    socket.once('close', () => {
      const left = (open.get(key) ?? 1) - 1
      if (left === 0) open.delete(key)
      else open.set(key, left)
    })
    return true
  }
}
