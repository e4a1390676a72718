import type { GetSealingKeyRequest, GetSealingKeyResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** The public recipient of this process, signed by this node; a restarted agent has another one. */
export const getSealingKey = readOperation<GetSealingKeyRequest, GetSealingKeyResponse>(async (_request, tools) =>
  tools.sealing.ownKey(),
)
