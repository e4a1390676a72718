import { createPublicKey, verify, X509Certificate } from 'node:crypto'
import { keyOf } from './deny-list.js'
import { QuorateError } from './errors.js'

/** What a node signs with the key that it offers for its next certificate. */
export const offeredText = (node: string, publicKeyPem: string): Buffer =>
  Buffer.from(`quorate identity key v1\n${node}\n${publicKeyPem}`)

/** What a node signs with the key that it has now, for the one that it offers. */
export const vouchedText = (node: string, publicKeyPem: string): Buffer =>
  Buffer.from(`quorate identity key vouched v1\n${node}\n${publicKeyPem}`)

/** CERTIFICATE_INVALID unless the offered key is an EC key on P-256 and signed the offer itself. */
export function requireOffered(
  node: string,
  { publicKeyPem, signature }: { publicKeyPem: string; signature: Uint8Array },
): void {
  if (isOffered(node, publicKeyPem, signature)) return
  throw new QuorateError('CERTIFICATE_INVALID', `the key that ${node} offers is not proved to be its own`, {
    where: node,
  })
}

/** An offer with what the present key of the node says to it. */
interface VouchedOffer {
  readonly publicKeyPem: string
  readonly vouched: Uint8Array
  readonly certificatePem: string
}

/**
 * Which key of the node vouches for the one that it offers, as SHA-256 of its public half; CERTIFICATE_INVALID where none of `keys`, those that
 * count for this node, does. So an offer is proved without its certificate: that may have ended.
 */
export function requireVouched(node: string, offer: VouchedOffer, keys: ReadonlySet<string>): string {
  const key = vouchingKey(node, offer)
  if (key !== undefined && keys.has(key)) return key
  throw new QuorateError(
    'CERTIFICATE_INVALID',
    `no key that was issued to ${node} vouches for the one that it offers`,
    {
      where: node,
      remedy: `Give the node a new identity: \`quorate enroll ${node} --address HOST --bundle ./${node}\`, copy the folder to /etc/quorate there, restart quorate-agent.`,
    },
  )
}

function vouchingKey(node: string, { publicKeyPem, vouched, certificatePem }: VouchedOffer): string | undefined {
  try {
    const certificate = new X509Certificate(certificatePem)
    return verify('sha256', vouchedText(node, publicKeyPem), certificate.publicKey, vouched)
      ? keyOf(certificate)
      : undefined
  } catch {
    return undefined
  }
}

function isOffered(node: string, publicKeyPem: string, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey(publicKeyPem)
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    return isP256 && verify('sha256', offeredText(node, publicKeyPem), key, signature)
  } catch {
    return false
  }
}
