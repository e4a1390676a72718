import type { GetTrustBundleRequest, GetTrustBundleResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** The roots that this node trusts. */
export const getTrustBundle = readOperation<GetTrustBundleRequest, GetTrustBundleResponse>(
  async (_request, { identity: { trustNumber: number, ca: roots, cert: certificatePem } }) => ({
    ...{ number, roots, certificatePem },
  }),
)
