import type { KeepDenyListRequest, KeepDenyListResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** Keeps a newer list of revoked keys; it counts from here on. */
export const keepDenyList = readOperation<KeepDenyListRequest, KeepDenyListResponse>(
  async ({ document }, { denyList }) => {
    await denyList.keep(document)
    return { number: denyList.number }
  },
)
