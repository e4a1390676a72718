import type { RaiseFenceRequest, RaiseFenceResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { type ReadOperation, readOperation } from '../ops/operation.js'
import type { Ledger } from './ledger.js'

/**
 * Keeps the number of whoever holds the cluster now before that one changes anything anywhere: else a coordinator that was paused would
 * be let in by every node that its successor has not changed yet.
 */
export function raiseFence(ledger: Ledger): ReadOperation<RaiseFenceRequest, RaiseFenceResponse> {
  return readOperation(async (request) => {
    await ledger.admit(request)
    return {}
  })
}
