import type { GetCheckpointRequest, GetCheckpointResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'
import { readKept } from './kept-checkpoint.js'

/** The newest checkpoint of the coordinator's history that this node was shown. */
export const getCheckpoint = readOperation<GetCheckpointRequest, GetCheckpointResponse>(async ({ origin }, tools) => {
  const kept = await readKept(tools, origin)
  return kept === undefined
    ? { verifier: '', checkpoint: '' }
    : { verifier: kept.verifier, checkpoint: kept.checkpoint }
})
