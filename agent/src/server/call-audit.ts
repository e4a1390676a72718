import type { ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import type { ListCallsRequest, ListCallsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { Log } from '@quorate/shared/log'
import type { RecordedCall } from '@quorate/shared/recorded-call'
import { Seldom } from '@quorate/shared/seldom'
import { RotatingLines } from '../host/rotating-lines.js'
import { type ReadOperation, readOperation } from '../ops/context/operation.js'

type Call = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>

export type CallEnded = (outcome: string) => void

export interface CallAudit {
  /** A call that arrived; what it returns is told how the call ended. */
  begin(method: string, kind: 'read' | 'stream' | 'change', call: Call): CallEnded
  /** The newest calls, as JSON lines, oldest first. */
  newest(count: number): Promise<readonly string[]>
  close(): Promise<void>
}

/** Two files of this size: weeks of looks, years of conversions. */
const fileBytes = 4 * 1024 * 1024
/** A caller's read that succeeded is recorded once in this time. */
const repeatedMs = 3_600_000

/** Records calls in a file and, except reads that succeeded, in the agent's log. A record that cannot be written stops no call. */
export function recordCalls(path: string, log: Log): CallAudit {
  const seldom = new Seldom(repeatedMs)
  const lines = new RotatingLines(path, fileBytes, (error) => log.error('calls are not recorded', { path, error }))
  const record = (kind: string, call: RecordedCall): void => {
    const { method, caller, fingerprint, from, outcome } = call
    const isLook = kind === 'read' && outcome === 'ended'
    if (isLook && !seldom.isNews([method, fingerprint, from.replace(/:\d+$/, '')].join(' '), Date.now())) return
    lines.append(JSON.stringify(call))
    if (!isLook) log.info('call', { method, caller, fingerprint, from, outcome })
  }
  return {
    begin(method, kind, call) {
      const said = saidOf(method, call)
      if (kind === 'change') record(kind, { at: new Date().toISOString(), ...said, outcome: 'began' })
      return (outcome) => record(kind, { at: new Date().toISOString(), ...said, outcome })
    },
    newest: (count) => lines.newest(count),
    close: () => lines.close(),
  }
}

/** No record: for an agent of a test. */
export const unrecorded: CallAudit = {
  begin: () => () => undefined,
  newest: async () => [],
  close: async () => undefined,
}

function saidOf(method: string, call: Call): Omit<RecordedCall, 'at' | 'outcome'> {
  const certificate = call.getAuthContext().sslPeerCertificate
  const { header, runId } = call.request as { header?: { runId?: unknown; operationId?: unknown }; runId?: unknown }
  const [run, operation] = [header?.runId ?? runId, header?.operationId]
  return {
    method,
    caller: String(certificate?.subject?.CN ?? ''),
    fingerprint: certificate?.fingerprint256 ?? '',
    from: call.getPeer(),
    // Not yet checked: a caller may write anything there.
    ...(typeof run === 'string' && run !== '' ? { run: run.slice(0, 64) } : {}),
    ...(typeof operation === 'string' ? { operation: operation.slice(0, 64) } : {}),
  }
}

/** Answers with JSON lines, at most as many as one answer holds. */
export function listCalls(calls: CallAudit): ReadOperation<ListCallsRequest, ListCallsResponse> {
  return readOperation(async ({ newest }) => ({ calls: [...(await calls.newest(newest))] }))
}
