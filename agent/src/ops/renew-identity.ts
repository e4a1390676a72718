import type { RenewIdentityRequest, RenewIdentityResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** Replaces this node's certificate by one for the key that was offered last. Open connections go on, new ones see it. */
export const renewIdentity = readOperation<RenewIdentityRequest, RenewIdentityResponse>(
  async ({ certificatePem }, { identity }) => ({ notAfterUnixMs: (await identity.renew(certificatePem)).getTime() }),
)
