import type { GetOperationRequest, GetOperationResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { type ReadOperation, readOperation } from '../ops/context/operation.js'
import type { ChangeRunner } from './change-runner.js'
import type { Ledger } from './ledger.js'

export interface Records {
  readonly ledger: Ledger
  readonly changes: ChangeRunner
}

/** What the ledger knows about one operation. */
export function getOperation(records: Records): ReadOperation<GetOperationRequest, GetOperationResponse> {
  return readOperation(async ({ operationId }) => operationState(records, operationId))
}

export function operationState({ ledger, changes }: Records, operationId: string): GetOperationResponse {
  const entry = ledger.entry(operationId)
  const method = entry?.method ?? ''
  const about = { result: undefined, error: undefined, method }
  // Asked first: a waiting operation is not in the ledger yet.
  if (changes.isRunning(operationId)) return { ...about, state: 'running' }
  if (entry === undefined) return { ...about, state: 'unknown' }
  const { outcome } = entry
  if (outcome === undefined) return { ...about, state: 'interrupted' }
  if (outcome.kind === 'error') return { ...about, state: 'failed', error: outcome.error }
  return { ...about, state: 'succeeded', result: outcome.result }
}
