import { connect } from 'node:tls'
import type { MutualTlsIdentity } from '@quorate/shared/mtls'
import { parseHostPort } from '../config/node-address.js'

/** Where an agent is dialled, and as whom. */
export interface Dial {
  /** `host:port`. */
  readonly target: string
  /** Name that the agent's certificate must have. */
  readonly serverName: string
  readonly identity: MutualTlsIdentity
}

const waitMs = 1_500

/**
 * Why an agent that can be reached ends the connection. In TLS 1.3 a server looks at the client's certificate after the client has
 * finished the handshake; what it does not like it closes (Node without an alert), and gRPC tells no more of it than that it failed.
 * A server that accepts us speaks first: HTTP/2 begins with its SETTINGS. Undefined when trust is not the reason.
 */
export function diagnoseTrust({ target, serverName, identity }: Dial): Promise<string | undefined> {
  const address = parseHostPort(target)
  if (address === undefined) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const socket = connect({
      ...address,
      ...identity,
      servername: serverName,
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.3',
    })
    let shaken = false
    const finish = (reason: string | undefined) => {
      socket.destroy()
      resolve(reason)
    }
    const closed = () => finish(shaken ? 'ends the connection when it has seen our certificate' : undefined)
    socket.setTimeout(waitMs, () => finish(undefined))
    socket.once('secureConnect', () => {
      shaken = true
    })
    socket.once('data', () => finish(undefined))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'CERT_HAS_EXPIRED') finish('shows a certificate that has expired')
      else closed()
    })
    socket.once('close', closed)
  })
}
