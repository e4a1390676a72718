import type { X509Certificate } from 'node:crypto'
import { connect, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import type { ClientCredentials } from './network.js'

/** A TCP connection to the first address that takes it, in the order of the resolver's answer, as the node's programs do; the last refusal otherwise. */
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
      // From here the layer above reports; without a listener an RST would end the process.
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

export interface Secure {
  /** Only certificates below this CA are taken; without it any certificate is. PEM. */
  readonly caPem?: string
  /** Name or address that the certificate must be for, where `verifyName`. Also sent as SNI when it is a name. */
  readonly serverName: string
  readonly verifyName: boolean
  readonly credentials?: ClientCredentials | undefined
  readonly signal: AbortSignal
}

/** The TLS handshake over a connected socket; rejects with the reason of a verification that failed. */
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
      // A cluster CA may itself be signed by a company's root: Go, and so every Kubernetes client, ends the chain at a CA it was given.
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
      // A peer that hangs up without a TLS alert gives no error event.
      reject(new Error('the connection was closed during the TLS handshake'))
    })
    secured.once('secureConnect', () => resolve(secured))
  })
}

/** SHA-256 of a certificate in lower-case hexadecimal without colons; empty when the other side showed none. */
export const sha256Of = (shown: X509Certificate | undefined): string =>
  (shown?.fingerprint256 ?? '').replaceAll(':', '').toLowerCase()
