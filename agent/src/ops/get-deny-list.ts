import type { GetDenyListRequest, GetDenyListResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** The list of revoked keys that counts on this node. */
export const getDenyList = readOperation<GetDenyListRequest, GetDenyListResponse>(async (_request, { denyList }) => ({
  number: denyList.number,
  document: denyList.document,
}))
