import type {
  CheckJoinFindings,
  CheckJoinRequest,
  NodeAgentServiceClient,
  WatchAvailabilityRequest,
  WatchAvailabilityResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationHeader, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { NodeName } from '@quorate/shared/names'

// The first parameter of the client's method is its request, the callback's second its answer: so reads and changes are typed by the proto alone.
type Method = keyof NodeAgentServiceClient
type RequestOf<M extends Method> = NodeAgentServiceClient[M] extends (request: infer R, ...rest: never[]) => unknown
  ? R
  : never
// Of an overloaded method TypeScript infers the last signature: the callback is its last parameter.
type AnswerOf<M extends Method> = NodeAgentServiceClient[M] extends (...args: infer P) => unknown
  ? P extends [...unknown[], (error: never, answer: infer A) => void]
    ? A
    : never
  : never

/** Names of the changing operations: those whose request carries an operation header. */
export type ChangeMethod = {
  [M in Method]: RequestOf<M> extends { header: OperationHeader | undefined } ? M : never
}[Method]

/** Names of the other unary calls. They leave nothing behind; what a few of them cost is said in shared/src/operations.ts. */
export type ReadMethod = Exclude<{ [M in Method]: AnswerOf<M> extends never ? never : M }[Method], ChangeMethod>

export type ChangeRequest<M extends ChangeMethod> = Omit<RequestOf<M>, 'header'>

export interface ReadOptions {
  readonly signal?: AbortSignal
  /** Milliseconds; 10 s unless given. */
  readonly deadlineMs?: number
}

/** How ports are held. */
export interface HoldOptions extends ReadOptions {
  /** Of the run that asks; unset for a caller that only looks. */
  readonly runId?: string
}

/** One changing operation that is about to be asked for. */
export interface Sending {
  readonly agent: Agent
  readonly method: ChangeMethod
  /** Tells the operations of one action on one node apart. */
  readonly label: string
}

/** What a changing call needs beside its request: made by the engine for each action. */
export interface ChangeCall {
  /**
   * Has an operation done at most once: `send` is called with its header when the intent is on the disk, and not at all when an earlier
   * process sent it and it came to its end. Answers its result, however it was come by.
   */
  operation(sending: Sending, send: (header: OperationHeader) => Promise<OperationResult>): Promise<OperationResult>
  progress(message: string): void
  readonly signal: AbortSignal
}

/** One node's agent, with promises. Every failure is a QuorateError whose `where` is the node. */
export interface Agent {
  readonly node: NodeName
  read<M extends ReadMethod>(method: M, request: RequestOf<M>, options?: ReadOptions): Promise<AnswerOf<M>>
  /** Sends one changing operation and waits for its result; re-attaches with the same id when the stream is lost. */
  change<M extends ChangeMethod>(
    method: M,
    request: ChangeRequest<M>,
    call: ChangeCall,
    label?: string,
  ): Promise<OperationResult>
  checkJoin(
    request: CheckJoinRequest,
    onProgress: (message: string) => void,
    options?: ReadOptions,
  ): Promise<CheckJoinFindings>
  /** Holds the ports while `work` runs; NODE_BUSY where a change of another run is under way, or begins meanwhile. */
  holdPorts<T>(
    ports: readonly number[],
    work: (held: { listening: number[]; inUse: number[]; certificateSha256: string }) => Promise<T>,
    options?: HoldOptions,
  ): Promise<T>
  /** What the node sees of the API servers given, until the caller has enough of it; FENCED when a later watch took its place. */
  watchAvailability(request: WatchAvailabilityRequest, options?: ReadOptions): AsyncIterable<WatchAvailabilityResponse>
  /** A backup's bytes, encrypted for `recipient` by the node itself. */
  readBackup(runId: string, kind: 'etcd' | 'files', recipient: string, options?: ReadOptions): AsyncIterable<Uint8Array>
}
