import { createSecureContext } from 'node:tls'
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js'

/** PEM texts of one side: the fleet CA, its own certificate and key. */
export interface MutualTlsIdentity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const minVersion = 'TLSv1.3'

/** Credentials of the dialling side: own certificate shown, the peer's checked against the fleet CA alone, TLS 1.3. */
export function clientCredentials({ ca, cert, key }: MutualTlsIdentity): ChannelCredentials {
  return ChannelCredentials.createFromSecureContext(createSecureContext({ ca, cert, key, minVersion }))
}

/** What `ServerCredentials.createSsl` makes, but with a floor for the protocol's version, which it has no option for. */
class MutualTlsServerCredentials extends ServerCredentials {
  constructor({ ca, cert, key }: MutualTlsIdentity) {
    super({ requestCert: true, rejectUnauthorized: true }, { ca, cert, key, minVersion })
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other
  }
}

/** Credentials of the listening side: a client certificate of the fleet CA is required, TLS 1.3. */
export function serverCredentials(identity: MutualTlsIdentity): ServerCredentials {
  return new MutualTlsServerCredentials(identity)
}
