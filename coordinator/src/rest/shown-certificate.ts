import { hostname } from 'node:os'
import type { Clock } from '@quorate/shared/clock'
import { asQuorateError } from '@quorate/shared/errors'
import { issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { createLog } from '@quorate/shared/log'
import { isDnsName } from '@quorate/shared/names'
import { pause } from '@quorate/shared/pause'
import { handshakeLimits } from '@quorate/shared/unproven-connections'
import { isCertificateDue, type KeepIdentitiesOptions } from '../runs/keep-identities.js'
import type { ListenAddress } from './listen-address.js'

/** Certificate and key of an issuer, and the roots that it is below; PEM. */
export interface IssuerOfFleet extends KeyPair {
  readonly rootsPem: string
}

const log = createLog('quorate-rest')
/** A new certificate is issued at each start, and when a third of its life is left. */
const certificateDays = 90

/** TLS of a server of the coordinator's: 1.3, a new certificate of the fleet for this address, with the roots that it is below. */
export function tlsOptions(ca: IssuerOfFleet, address: ListenAddress) {
  const host = address.kind === 'tcp' ? [address.host] : []
  const { certPem, keyPem } = issueCertificate({
    ca,
    commonName: 'coordinator',
    organizations: ['quorate:coordinator'],
    dnsNames: ['localhost', hostname().toLowerCase()].filter(isDnsName),
    ipAddresses: ['127.0.0.1', ...host.filter((each) => each !== '127.0.0.1' && each !== '0.0.0.0' && each !== '::')],
    days: certificateDays,
    usage: 'server',
  })
  // A caller without a certificate may have the token; access.ts accepts only verified certificates.
  return {
    ca: ca.rootsPem,
    // A node that joins knows its root by a pin alone: the chain is shown whole.
    cert: `${certPem}${ca.certPem}${ca.rootsPem}`,
    key: keyPem,
    minVersion: 'TLSv1.3',
    handshakeTimeout: handshakeLimits.withinMs,
    requestCert: true,
    rejectUnauthorized: false,
  } as const
}

interface Keeping extends KeepIdentitiesOptions {
  readonly clock: Clock
}

interface Showing<Shown> {
  issuer(): Promise<IssuerOfFleet>
  make(ca: IssuerOfFleet): Shown
  show(next: Shown): void
}

/** Shows a new certificate to those who connect from then on, when it is due and when other roots are trusted; connections stay. */
export async function keepShown<Shown extends { readonly cert: string; readonly ca: string }>(
  first: Shown,
  { issuer, make, show }: Showing<Shown>,
  { everyMs, signal, clock }: Keeping,
) {
  let shown = first
  while (!signal.aborted) {
    try {
      const ca = await issuer()
      if (isCertificateDue(shown.cert, clock.now()) || ca.rootsPem !== shown.ca) {
        shown = make(ca)
        show(shown)
      }
    } catch (error) {
      log.warn('the certificate of REST cannot be renewed', { message: asQuorateError(error).message })
    }
    await pause(everyMs, signal)
  }
}
