import type { KeepTrustBundleRequest, KeepTrustBundleResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** Trusts other roots of the fleet from here on. */
export const keepTrustBundle = readOperation<KeepTrustBundleRequest, KeepTrustBundleResponse>(
  async ({ document, certificatePem: caller }, { identity, denyList }) => {
    await identity.trust(document, { caller, requireUnder: (roots) => denyList.requireUnder(roots) })
    return { number: identity.trustNumber }
  },
)
