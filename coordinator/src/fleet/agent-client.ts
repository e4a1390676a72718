import {
  type CallOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { type Clock, systemClock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import type {
  CheckJoinResponse,
  NodeAgentServiceClient,
  WatchAvailabilityResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationEvent, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { NodeName } from '@quorate/shared/names'
import type { Agent, ReadOptions } from './agent.js'
import { Allowance, answerRefused, inPace, ofOneCall, ofOneNode } from './allowance.js'
import { errorFromStatus, isConnectionLoss } from './error-from-status.js'

/** How long to go on with a node whose connection broke; milliseconds. */
export interface Patience {
  /** A read of a node that has answered before: an agent that restarts is back in seconds. */
  readonly readMs: number
  /** A change under way: the node may be rebooting, and what it was told goes on or is in its ledger. */
  readonly changeMs: number
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  readonly clock: Clock
}

const usual: Patience = {
  readMs: 5_000,
  changeMs: 90_000,
  firstPauseMs: 200,
  longestPauseMs: 5_000,
  clock: systemClock,
}

/** The longest that any operation may take on a node (a join that pulls images over a slow line). */
const longestChangeMs = 30 * 60_000
const usualReadMs = 10_000
/** Longer than any run; who watches hangs up. */
const longestWatchMs = 24 * 60 * 60_000

type Unary = (
  request: unknown,
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, answer: unknown) => void,
) => ClientUnaryCall
type Streaming = (request: unknown, metadata: Metadata, options: CallOptions) => ClientReadableStream<unknown>

export interface AgentClientParts {
  readonly node: NodeName
  /** The connection is the client's. */
  readonly client: NodeAgentServiceClient
  readonly patience?: Partial<Patience>
  /** Why a connection that fails is refused, where the reason is a certificate. */
  diagnose?(): Promise<string | undefined>
}

/** One node's agent over a generated client. */
export const agentClient = (parts: AgentClientParts): Agent => new GrpcAgent(parts)

class GrpcAgent implements Agent {
  readonly node: NodeName
  readonly #client: NodeAgentServiceClient
  readonly #patience: Patience
  readonly #diagnose: () => Promise<string | undefined>
  readonly #allowance: Allowance
  #hasAnswered = false

  constructor({ node, client, patience = {}, diagnose = async () => undefined }: AgentClientParts) {
    this.node = node
    this.#client = client
    this.#patience = { ...usual, ...patience }
    this.#diagnose = diagnose
    this.#allowance = new Allowance(node, ofOneNode)
  }

  read: Agent['read'] = async (method, request, options = {}) => {
    // A node that never answered is asked once: a plan should say at once who is missing.
    const limitMs = this.#hasAnswered ? this.#patience.readMs : 0
    return this.#again(limitMs, options.signal, () => this.#unary(method, request, options)) as Promise<never>
  }

  change: Agent['change'] = (method, request, call, label = method) =>
    call.operation({ agent: this, method, label }, (header) => {
      // One for all attempts: a lost connection does not begin it again.
      const progress = this.#progress(call.progress)
      const { signal } = call
      return this.#again(this.#patience.changeMs, signal, () =>
        this.#changeOnce(method, { ...request, header }, { progress, signal }),
      )
    })

  checkJoin: Agent['checkJoin'] = async (request, onProgress, options = {}) => {
    const progress = this.#progress(onProgress)
    for await (const { event } of this.#answers<CheckJoinResponse>('checkJoin', request, {
      deadlineMs: 10 * 60_000,
      ...options,
    })) {
      if (event?.$case === 'findings') return event.findings
      progress(event?.$case === 'progress' ? event.progress.message : undefined)
    }
    return this.#noResult('checkJoin')
  }

  holdPorts: Agent['holdPorts'] = async (ports, work, options = {}) => {
    const { deadlineMs = 60_000, runId = '', signal } = options
    // Ending the call makes the node let go of the ports.
    const end = new AbortController()
    const held = this.#answers<Held>(
      'holdPorts',
      { ports: [...ports], deadlineMs, runId },
      {
        signal: signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]),
        deadlineMs: deadlineMs + usualReadMs,
      },
    )[Symbol.asyncIterator]()
    try {
      const first = await held.next()
      if (first.done === true) return this.#noResult('holdPorts')
      // The node lets go before when a run begins to work there: what is seen then says nothing.
      const lost = held.next().then(() => this.#noResult('holdPorts'))
      return await Promise.race([work(first.value), lost])
    } finally {
      end.abort()
    }
  }

  watchAvailability: Agent['watchAvailability'] = (request, options = {}) =>
    inPace(
      this.node,
      this.#answers<WatchAvailabilityResponse>('watchAvailability', request, {
        deadlineMs: longestWatchMs,
        ...options,
      }),
    )

  async *readBackup(
    runId: string,
    kind: 'etcd' | 'files',
    recipient: string,
    options: ReadOptions = {},
  ): AsyncIterable<Uint8Array> {
    const chunks = this.#answers<{ chunk: Uint8Array }>(
      'readBackup',
      { runId, kind, recipient },
      { deadlineMs: longestChangeMs, ...options },
    )
    for await (const { chunk } of chunks) {
      if (chunk.length === 0) throw answerRefused(this.node, 'sends a backup in empty pieces')
      yield chunk
    }
  }

  /** Reports what may be kept of each message; one without text counts too. */
  #progress(report: (message: string) => void): Progress {
    const allowance = new Allowance(this.node, ofOneCall, this.#allowance)
    return (message) => {
      const line = allowance.line(message ?? '')
      if (message !== undefined) report(line)
    }
  }

  async #changeOnce(
    method: string,
    request: unknown,
    { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
  ): Promise<OperationResult> {
    const events = this.#stream<{ event: OperationEvent | undefined }>(method, request, {
      signal,
      deadlineMs: longestChangeMs,
    })
    for await (const { event } of events) {
      if (event?.event?.$case === 'result') return event.event.result
      progress(event?.event?.$case === 'progress' ? event.event.progress.message : undefined)
    }
    return this.#noResult(method)
  }

  /** Tries again while the connection is what fails, with growing pauses; the same request, so an operation keeps its id. */
  async #again<T>(limitMs: number, signal: AbortSignal | undefined, once: () => Promise<T>): Promise<T> {
    const { clock, firstPauseMs, longestPauseMs } = this.#patience
    const since = clock.now()
    for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
      try {
        const answer = await once()
        this.#hasAnswered = true
        return answer
      } catch (error) {
        const lost = isServiceError(error) && isConnectionLoss(error)
        if (!lost) throw this.#explained(error, signal)
        if (clock.now() - since + pause > limitMs) throw await this.#unreachable(error, signal)
        await clock.sleep(pause, signal).catch(() => {
          throw this.#explained(error, signal)
        })
      }
    }
  }

  #unary(method: string, request: unknown, { signal, deadlineMs = usualReadMs }: ReadOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const unary = (this.#client as unknown as Record<string, Unary>)[method] as Unary
      const call = unary.call(
        this.#client,
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, answer) => {
          signal?.removeEventListener('abort', cancel)
          if (error === null) resolve(answer)
          else reject(error)
        },
      )
      const cancel = () => call.cancel()
      signal?.addEventListener('abort', cancel, { once: true })
    })
  }

  async *#stream<T>(
    method: string,
    request: unknown,
    { signal, deadlineMs = usualReadMs }: ReadOptions,
  ): AsyncIterable<T> {
    signal?.throwIfAborted()
    const streaming = (this.#client as unknown as Record<string, Streaming>)[method] as Streaming
    const call = streaming.call(this.#client, request, new Metadata(), { deadline: Date.now() + deadlineMs })
    const cancel = () => call.cancel()
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      for await (const message of call) {
        this.#hasAnswered = true
        yield message as T
      }
    } finally {
      signal?.removeEventListener('abort', cancel)
      call.on('error', () => undefined) // the cancellation below is ours: nobody waits for its status
      call.cancel()
    }
  }

  /** A stream whose caller gets our errors; nothing is asked again. */
  async *#answers<T>(method: string, request: unknown, options: ReadOptions): AsyncIterable<T> {
    try {
      yield* this.#stream<T>(method, request, options)
    } catch (error) {
      throw this.#explained(error, options.signal)
    }
  }

  #explained(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted)
      return signal.reason instanceof QuorateError
        ? signal.reason
        : new QuorateError('INTERRUPTED', 'the call was ended', { where: this.node })
    return isServiceError(error) ? errorFromStatus(error, this.node) : error
  }

  async #unreachable(error: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const distrust = signal?.aborted ? undefined : await this.#diagnose()
    if (distrust === undefined) return this.#explained(error, signal)
    return new QuorateError('AGENT_UNTRUSTED', `the agent can be reached, but it ${distrust}`, {
      where: this.node,
      cause: error,
      remedy: distrust.includes('expired')
        ? `quorate renew ${this.node}`
        : "Compare this machine's clock with the node's, and the fleet-ca.crt in its /etc/quorate with fleet/ca.crt of the state folder.",
    })
  }

  #noResult(method: string): never {
    throw answerRefused(this.node, `ended ${method} without a result`)
  }
}

type Progress = (message: string | undefined) => void
type Held = { listening: number[]; inUse: number[]; certificateSha256: string }

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === 'number' && 'details' in error
}
