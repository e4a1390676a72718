import type { X509Certificate } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import type { ClientCredentials } from './network.js'

/** A TCP connection to the first address that accepts it, in the resolver's order, as the node's programs do; otherwise the last error. */
export async function connectFirst(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
  let refusal: unknown = new Error('no address to connect to')
  for (const address of addresses) {
    try {
      return await connectTo(address, port, signal)
    } catch (error) {
      signal.throwIfAborted()
      refusal = error
    }
  }
  throw refusal
}

function connectTo(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = connect({ host, port, noDelay: true })
    const stop = () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('stopped'))
    signal.addEventListener('abort', stop, { once: true })
    socket.once('error', reject)
    socket.once('close', () => signal.removeEventListener('abort', stop))
    socket.once('connect', () => {
      socket.off('error', reject)
      // From here on the caller handles errors; without a listener an RST would end the process.
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

export interface Secure {
  /** Only certificates of this CA are accepted; without it any certificate is. PEM. */
  readonly caPem?: string
  /** Name or address that the certificate must be valid for, with `verifyName`. A name is also sent as SNI. */
  readonly serverName: string
  readonly verifyName: boolean
  readonly credentials?: ClientCredentials | undefined
  readonly signal: AbortSignal
}

/** The TLS handshake on a connected socket; rejects with the reason of a failed verification. */
export function secure(socket: Socket, options: Secure): Promise<TLSSocket> {
  const { caPem, serverName, verifyName, credentials, signal } = options
  return new Promise((resolve, reject) => {
    const secured = connectTls({
      socket,
      // SNI is for names only (RFC 6066, section 3).
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      ...(caPem === undefined ? {} : { ca: caPem }),
      ...(credentials === undefined ? {} : { cert: credentials.cert, key: credentials.key }),
      rejectUnauthorized: caPem !== undefined,
      // A cluster CA may itself be signed by a company's root: Go, and so every Kubernetes client, ends the chain at a given CA.
      allowPartialTrustChain: true,
      ALPNProtocols: ['http/1.1'],
      checkServerIdentity: (_host, certificate) =>
        verifyName ? checkServerIdentity(serverName, certificate) : undefined,
    })
    const stop = () => secured.destroy(signal.reason instanceof Error ? signal.reason : new Error('stopped'))
    signal.addEventListener('abort', stop, { once: true })
    secured.on('error', reject)
    secured.once('close', () => {
      signal.removeEventListener('abort', stop)
      // A peer that closes without a TLS alert causes no error event.
      reject(new Error('the connection was closed during the TLS handshake'))
    })
    secured.once('secureConnect', () => resolve(secured))
  })
}

/** SHA-256 of a certificate in lower-case hexadecimal without colons; empty if the other side sent none. */
export const sha256Of = (shown: X509Certificate | undefined): string =>
  (shown?.fingerprint256 ?? '').replaceAll(':', '').toLowerCase()
