import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { Log } from '@quorate/shared/log'
import { unitName, unloadIfEnded } from '../host/transient-unit.js'
import type { Tools } from '../ops/context/tools.js'
import type { MethodName, Operations } from '../ops/operations.js'
import type { Change, ChangeRequest, ChangeRunner } from './change-runner.js'
import { changeNamed, requestOf } from './examine-operation.js'
import type { Ledger, LedgerEntry } from './ledger.js'

interface Interrupted {
  readonly ledger: Ledger
  readonly changes: ChangeRunner
  readonly operations: Partial<Operations>
  readonly tools: Tools
  readonly log: Log
  /** Receives the operations to follow; awaited before the first of them touches anything. */
  readonly beforeResume?: ((operationIds: readonly string[]) => Promise<void>) | undefined
}

/**
 * Follows again, on its own, what an earlier agent started and a unit continued: its end is recorded, and its
 * secrets leave the node, even if no coordinator returns. Returns the ids of those operations.
 */
export async function resumeInterrupted(interrupted: Interrupted): Promise<readonly string[]> {
  const { ledger, changes, operations, log } = interrupted
  const found: [Change, LedgerEntry][] = []
  for (const [operationId, entry] of ledger.all()) {
    if (entry.outcome !== undefined) continue
    const change = changeOf(operations, entry)
    if (change !== undefined && (await changes.hasUnit(change))) found.push([change, entry])
    else log.warn('operation without an end', { operation: operationId, method: entry.method, run: entry.run })
  }
  await unloadLast(interrupted)
  const followed = found.map(([{ header }]) => header.operationId)
  await interrupted.beforeResume?.(followed)
  for (const [change, entry] of found) changes.attach(change, entry)
  return followed
}

function changeOf(operations: Partial<Operations>, entry: LedgerEntry): Change | undefined {
  const { method } = entry
  const operation = changeNamed(operations, method)
  const request = requestOf(entry)
  if (operation === undefined || request?.header === undefined) return undefined
  const encode = NodeAgentServiceService[method as MethodName].requestSerialize as (
    request: ChangeRequest,
  ) => Uint8Array
  return { method, header: request.header, request, operation, encode }
}

/** The agent may have ended between recording an end and unloading its unit. One operation at a time: it can only be the last one. */
async function unloadLast({ ledger, operations, tools, log }: Interrupted): Promise<void> {
  const [operationId, entry] = ledger.all().at(-1) ?? []
  if (operationId === undefined || entry?.outcome === undefined) return
  const carrier = changeNamed(operations, entry.method)?.carrier
  if (carrier === undefined) return
  await unloadIfEnded(tools.host, unitName(operationId, carrier.label)).catch((error: Error) =>
    log.warn('not tidied', { why: error.message }),
  )
}
