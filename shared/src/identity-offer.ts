import { createPublicKey, verify } from 'node:crypto'
import { QuorateError } from './errors.js'

/** What a node signs with the key that it offers for its next certificate. */
export const offeredText = (node: string, publicKeyPem: string): Buffer =>
  Buffer.from(`quorate identity key v1\n${node}\n${publicKeyPem}`)

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

function isOffered(node: string, publicKeyPem: string, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey(publicKeyPem)
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    return isP256 && verify('sha256', offeredText(node, publicKeyPem), key, signature)
  } catch {
    return false
  }
}
