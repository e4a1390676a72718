import type { RaiseFenceRequest, RaiseFenceResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { type ReadOperation, readOperation } from '../ops/context/operation.js'
import { clusterPin } from './cluster-pin.js'
import type { Ledger } from './ledger.js'

/**
 * Records the fencing token of the current coordinator before it changes anything: otherwise every node that it has not changed yet
 * would accept a paused predecessor.
 */
export function raiseFence(ledger: Ledger): ReadOperation<RaiseFenceRequest, RaiseFenceResponse> {
  return readOperation(async (request, { host }) => {
    await ledger.admit(request, await clusterPin(host))
    return {}
  })
}
