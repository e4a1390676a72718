import type { OfferIdentityKeyRequest, OfferIdentityKeyResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** The public half of a new key for this node's certificate; the private one stays in this process until the certificate comes. */
export const offerIdentityKey = readOperation<OfferIdentityKeyRequest, OfferIdentityKeyResponse>(
  async (_request, { identity }) => {
    const { signature, vouched, ...offered } = identity.offer()
    return { ...offered, signature: Buffer.from(signature), vouched: Buffer.from(vouched) }
  },
)
