import { X509Certificate } from 'node:crypto'
import { QuorateError } from './errors.js'
import { pemBlocks } from './pki.js'

/** A fleet has roots and, below each, issuers: none below those. */
const mostBetween = 3

/**
 * Whether a fleet issued a certificate: one of its roots did, or an issuer of such a root that was valid at that time (Unix milliseconds) and comes
 * with it. `chain` is PEM, the certificate first. Says nothing about the certificate's own dates. False for texts that are no certificates.
 */
export function isOfFleet(chain: string, roots: string, at: number): boolean {
  try {
    const [certificate, ...between] = certificatesIn(chain).slice(0, 1 + mostBetween)
    return certificate !== undefined && isIssued(certificate, { between, roots: certificatesIn(roots), at })
  } catch {
    return false
  }
}

/** Whether a root of the fleet itself issued a certificate (PEM), without any issuer between. False for texts that are no certificates. */
export function isOfRoot(certificate: string, roots: string): boolean {
  try {
    const [first] = certificatesIn(certificate)
    return first !== undefined && certificatesIn(roots).some((root) => issued(root, first))
  } catch {
    return false
  }
}

/** The certificates of a PEM text, in its order; CERTIFICATE_INVALID where one cannot be read. */
export function certificatesIn(pem: string): X509Certificate[] {
  try {
    return [...pemBlocks(pem, 'CERTIFICATE')].map((block) => new X509Certificate(block))
  } catch (cause) {
    throw new QuorateError('CERTIFICATE_INVALID', 'not a PEM certificate', { cause })
  }
}

interface Above {
  readonly between: readonly X509Certificate[]
  readonly roots: readonly X509Certificate[]
  readonly at: number
}

/** An issuer that has ended counts no more: its key may be anywhere by now. */
function isIssued(certificate: X509Certificate, { between, roots, at }: Above): boolean {
  const byRoot = (one: X509Certificate) => roots.some((root) => issued(root, one))
  return byRoot(certificate) || between.some((one) => issued(one, certificate) && isValid(one, at) && byRoot(one))
}

const issued = (issuer: X509Certificate, certificate: X509Certificate): boolean =>
  issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

const isValid = ({ validFrom, validTo }: X509Certificate, at: number): boolean =>
  Date.parse(validFrom) <= at && at <= Date.parse(validTo)
