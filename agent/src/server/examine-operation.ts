import {
  type ExamineOperationRequest,
  type ExamineOperationResponse,
  NodeAgentServiceService,
  type OperationEvidence,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import type { Host } from '../host/host.js'
import { lookAtUnit, unitName } from '../host/transient-unit.js'
import { type ChangeOperation, type Evidence, type ReadOperation, readOperation } from '../ops/context/operation.js'
import type { Tools } from '../ops/context/tools.js'
import type { MethodName, Operations } from '../ops/operations.js'
import type { ChangeRequest } from './change-runner.js'
import { operationState, type Records } from './get-operation.js'
import type { LedgerEntry } from './ledger.js'
import { toldTools } from './told-folders.js'

interface Examining extends Records {
  readonly operations: Partial<Operations>
  readonly tools: Tools
}

/** The changing operation of that name, or undefined: a ledger may be older or newer than this agent. */
export function changeNamed(
  operations: Partial<Operations>,
  method: string,
): ChangeOperation<ChangeRequest> | undefined {
  const found = Object.hasOwn(operations, method) ? operations[method as keyof Operations] : undefined
  return found?.kind === 'change' ? (found as ChangeOperation<ChangeRequest>) : undefined
}

/** The request of an operation, or undefined if the ledger did not keep it. */
export function requestOf({ method, request }: LedgerEntry): ChangeRequest | undefined {
  if (request === undefined || !Object.hasOwn(NodeAgentServiceService, method)) return undefined
  return NodeAgentServiceService[method as MethodName].requestDeserialize(Buffer.from(request)) as ChangeRequest
}

/**
 * The current truth about one operation: the ledger's record, its unit's state, and evidence from the node. For operations with an unseen end: the
 * coordinator then knows whether to continue, to finish or to undo.
 */
export function examineOperation(records: Examining): ReadOperation<ExamineOperationRequest, ExamineOperationResponse> {
  return readOperation(async ({ operationId }, tools, signal) => {
    const { state, method } = operationState(records, operationId)
    const entry = records.ledger.entry(operationId)
    const operation = entry === undefined ? undefined : changeNamed(records.operations, method)
    const unit = await unitOf(tools.host, operationId, operation)
    const facts = entry === undefined ? {} : { run: entry.run, ...(await look(entry, operation, tools, signal)) }
    const evidence: OperationEvidence = { state, method, unitState: unit.state, unitExit: unit.exitCode, facts }
    return { evidence }
  })
}

async function unitOf(host: Host, operationId: string, operation: ChangeOperation<ChangeRequest> | undefined) {
  if (operation?.carrier === undefined) return { state: 'not-found', exitCode: 0 }
  return lookAtUnit(host, unitName(operationId, operation.carrier.label))
}

async function look(
  entry: LedgerEntry,
  operation: ChangeOperation<ChangeRequest> | undefined,
  tools: Tools,
  signal: AbortSignal,
): Promise<Evidence> {
  const request = requestOf(entry)
  const header = request?.header
  if (operation?.evidence === undefined || request === undefined || header === undefined) return { done: 'unknown' }
  const { begunAtUnixMs } = entry
  return operation
    .evidence(request, { tools: toldTools(tools, request), header, begunAtUnixMs, signal })
    .catch((error: Error) => ({ done: 'unknown' as const, why: error.message }))
}
