import { createSecureContext, type PeerCertificate, type TlsOptions } from 'node:tls'
import { ChannelCredentials } from '@grpc/grpc-js'

/** PEM texts of one side: the fleet CA, its own certificate and key. */
export interface MutualTlsIdentity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const minVersion = 'TLSv1.3'

/** Why a peer is refused that the fleet CA has issued; in place of the check of its name. */
type CheckPeer = (name: string, certificate: PeerCertificate) => Error | undefined

/** Credentials of the dialling side: own certificate shown, the peer's checked against the fleet CA alone, TLS 1.3. */
export function clientCredentials({ ca, cert, key }: MutualTlsIdentity, checkPeer?: CheckPeer): ChannelCredentials {
  return ChannelCredentials.createFromSecureContext(
    createSecureContext({ ca, cert, key, minVersion }),
    checkPeer === undefined ? {} : { checkServerIdentity: checkPeer },
  )
}

/**
 * Credentials for a peer whose certificate may have ended: own certificate shown, the peer's not checked. Only for calls whose answer proves itself,
 * and that send nothing which another must not have.
 */
export function unprovenPeerCredentials({ ca, cert, key }: MutualTlsIdentity): ChannelCredentials {
  return ChannelCredentials.createFromSecureContext(createSecureContext({ ca, cert, key, minVersion }), {
    rejectUnauthorized: false,
  })
}

/** Options of the listening side's TLS server: a client certificate of the fleet CA is required, TLS 1.3. */
export function serverTlsOptions({ ca, cert, key }: MutualTlsIdentity): TlsOptions {
  return {
    ...{ ca, cert, key, minVersion },
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ['h2'],
    noDelay: true,
  }
}
