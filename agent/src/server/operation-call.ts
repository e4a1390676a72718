import { once } from 'node:events'
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { QuorateError } from '@quorate/shared/errors'
import { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { Log } from '@quorate/shared/log'
import type { DenyList } from '../host/deny-list.js'
import type { ChangeOperation, ReadOperation, StreamOperation } from '../ops/context/operation.js'
import type { Tools } from '../ops/context/tools.js'
import type { MethodName, Operations } from '../ops/operations.js'
import { type MethodPath, requireAccess } from './access.js'
import { type CallAudit, listCalls } from './call-audit.js'
import type { ChangeRequest, ChangeRunner } from './change-runner.js'
import { examineOperation } from './examine-operation.js'
import { followChange } from './follow-change.js'
import { getOperation } from './get-operation.js'
import type { Ledger } from './ledger.js'
import { raiseFence } from './raise-fence.js'
import { requireReadable } from './readable-requests.js'
import { checkRequest } from './requests.js'
import { describeError, toServiceError } from './status.js'
import { toldTools } from './told-folders.js'

export interface CallOptions {
  readonly operations: Partial<Operations>
  readonly tools: Tools
  readonly ledger: Ledger
  readonly changes: ChangeRunner
  readonly calls: CallAudit
  readonly log: Log
}

type Call = ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>
type Operation = ReadOperation<unknown, unknown> | StreamOperation<unknown, unknown> | ChangeOperation<ChangeRequest>

/** One method, erased: the common part of the three kinds of call. */
interface Method {
  readonly name: MethodName
  readonly path: MethodPath
  readonly encode: (request: ChangeRequest) => Uint8Array
}

/** The gRPC handlers of the given operations: access, then validation, then the operation; every error through the same exit. */
export function createHandlers(options: CallOptions): UntypedServiceImplementation {
  const own = {
    ...options.operations,
    getOperation: getOperation(options),
    examineOperation: examineOperation(options),
    raiseFence: raiseFence(options.ledger),
    listCalls: listCalls(options.calls),
  }
  const names = Object.keys(NodeAgentServiceService) as MethodName[]
  return Object.fromEntries(
    names.flatMap((name) => {
      const operation = own[name] as Operation | undefined
      if (operation === undefined) return []
      const { path, requestSerialize } = NodeAgentServiceService[name]
      const method: Method = { name, path, encode: requestSerialize as Method['encode'] }
      return [[name, handlerOf(method, operation, options)]]
    }),
  )
}

function handlerOf(method: Method, operation: Operation, options: CallOptions) {
  switch (operation.kind) {
    case 'read':
      return readHandler(method, operation, options)
    case 'stream':
      return streamHandler(
        method,
        (request, signal) => operation.run(request, toldTools(options.tools, request), signal),
        options,
        'stream',
      )
    case 'change':
      return streamHandler(
        method,
        (request, signal, requireStill) =>
          followChange({ ...method, operation, request, signal, requireStill }, options.changes),
        options,
        'change',
      )
  }
}

function readHandler(
  method: Method,
  operation: ReadOperation<unknown, unknown>,
  { tools, calls, log }: CallOptions,
): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    const ended = calls.begin(method.name, 'read', call)
    const requireStill = doorOf(method, call, tools)
    const answer = async () => {
      requireStill()
      requireWellFormed(method, call.request)
      const response = await operation.run(call.request, toldTools(tools, call.request), lostSignal(call))
      // Its caller may have been revoked meanwhile.
      requireStill()
      return response
    }
    answer().then(
      (response) => {
        ended('ended')
        callback(null, response)
      },
      (error: unknown) => {
        const detail = describeError(error, log)
        ended(detail.code)
        callback(toServiceError(detail))
      },
    )
  }
}

function streamHandler(
  method: Method,
  run: (request: unknown, signal: AbortSignal, requireStill: () => void) => AsyncIterable<unknown>,
  { calls, log, tools }: CallOptions,
  kind: 'stream' | 'change',
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    const ended = calls.begin(method.name, kind, call)
    const fail = (error: unknown): void => {
      const detail = describeError(error, log)
      ended(detail.code)
      call.emit('error', toServiceError(detail))
    }
    const requireStill = doorOf(method, call, tools)
    const lost = lostSignal(call)
    const revoked = revokedSignal(requireStill, tools.denyList)
    const over = AbortSignal.any([lost, revoked.signal])
    // At once, whatever the operation is doing.
    revoked.signal.addEventListener('abort', () => fail(revoked.signal.reason), { once: true })
    const pump = async () => {
      requireStill()
      requireWellFormed(method, call.request)
      for await (const message of run(call.request, over, requireStill)) {
        if (revoked.signal.aborted) return
        if (!call.write(message)) await once(call, 'drain', { signal: over })
      }
    }
    pump()
      .finally(revoked.end)
      .then(
        () => {
          if (revoked.signal.aborted) return
          ended('ended')
          call.end()
        },
        (error: unknown) => {
          if (revoked.signal.aborted) return
          // The caller is gone; an operation that continues has the ledger.
          if (lost.aborted) return ended('INTERRUPTED')
          fail(error)
        },
      )
  }
}

/** A request that can be read, and whose fields have their forms. */
function requireWellFormed({ name }: Method, request: unknown): void {
  requireReadable(name, request)
  checkRequest(name, request as never)
}

/** The door for one call: asked when it comes, and again while it is open. */
function doorOf({ path }: Method, call: Call, { denyList }: Tools): () => void {
  const certificate = call.getAuthContext().sslPeerCertificate
  return () => requireAccess(path, certificate, denyList)
}

/** Aborted, with the reason, when a newer list denies the caller; `end` stops watching. */
function revokedSignal(requireStill: () => void, denyList: DenyList): { signal: AbortSignal; end: () => void } {
  const revoked = new AbortController()
  const end = denyList.onNewer(() => {
    try {
      requireStill()
    } catch (error) {
      end()
      revoked.abort(error)
    }
  })
  return { signal: revoked.signal, end }
}

/** Aborted when the caller hangs up or its deadline passes. */
function lostSignal(call: Call): AbortSignal {
  const lost = new AbortController()
  call.once('cancelled', () => lost.abort(new QuorateError('INTERRUPTED', 'the caller hung up')))
  return lost.signal
}
