import { type Clock, systemClock } from '@quorate/shared/clock'
import { asQuorateError, type ErrorCode, isErrorCode, QuorateError } from '@quorate/shared/errors'
import type { GetOperationResponse, OperationEvidence } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { ErrorDetail, OperationHeader, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { ChangeCall, Sending } from '../fleet/agent.js'
import { saidByNode } from '../fleet/allowance.js'
import type { RunError } from './events.js'
import { type SentOperation, undoPrefix } from './fold.js'
import { operationIdOf } from './operation-id.js'
import { type Explain, runError } from './run-error.js'
import type { RunRecord } from './run-record.js'
import { neverAborted } from './signals.js'
import type { Action } from './step.js'

/** What every operation of a run carries, and what explains its errors. */
export interface RunContext {
  readonly runId: string
  readonly cluster: string
  readonly fencingToken: number
  /** Explains messages of other programs in an error; unset: the error stays unchanged. */
  readonly explain?: Explain
}

/** An operation that started on a node and whose outcome is unknown: the agent or the node died before it finished. */
export interface Interrupted {
  readonly step: string
  readonly action: Action
  readonly node: string
  readonly label: string
  readonly method: string
  /** What is true on the node now. */
  readonly evidence: OperationEvidence
}

/**
 * Decides from evidence about an operation with an unknown outcome: returns a result (adopted, or finished by other operations), sends it
 * `again` under another id where that is known to be safe, or throws what the operator has to see. It knows the cluster; the engine does not.
 */
export type Judge<Run> = (
  run: Run,
  interrupted: Interrupted,
  means: { readonly call: ChangeCall; again(): Promise<OperationResult> },
) => Promise<OperationResult>

export interface OperationParts<Run> {
  readonly step: string
  readonly action: Action
  readonly run: Run
  readonly context: RunContext
  readonly record: RunRecord
  /** Unset: an unknown outcome always needs the operator. */
  readonly judge?: Judge<Run> | undefined
  readonly clock?: Clock | undefined
}

type Send = (header: OperationHeader) => Promise<OperationResult>

const pollMs = 500
/** An operation that is interrupted this often needs the operator. */
const mostAttempts = 5
/** Longer than any operation takes; one that still runs then needs the operator. */
const longestMs = 40 * 60_000

/** The calls of one action: each operation at most once, whichever process of the run sends it. `undo`: those that undo it. */
export function operationsOf<Run>(parts: OperationParts<Run>, kind: 'apply' | 'undo'): ChangeCall {
  return new Operations(parts, kind === 'undo' ? undoPrefix : '')
}

class Operations<Run> implements ChangeCall {
  readonly signal = neverAborted()
  readonly #parts: OperationParts<Run>
  readonly #prefix: string
  #judging = false

  constructor(parts: OperationParts<Run>, prefix: string) {
    this.#parts = parts
    this.#prefix = prefix
  }

  progress = (message: string): void => {
    const { step, action, record } = this.#parts
    record.note({ kind: 'progress', step, action: action.id, node: action.node, message })
  }

  operation: ChangeCall['operation'] = async (sending, send) => {
    const place = this.#place(sending)
    const all = this.#parts.record.sent(place)
    const last = all.filter(({ over }) => !over).at(-1)
    if (last === undefined) return this.#send(sending, send, nextAttempt(all))
    const known = await this.#settle(sending, send, last)
    return known ?? this.#send(sending, send, last.attempt)
  }

  #place({ agent, label }: Sending) {
    const { step, action } = this.#parts
    return { step, action: action.id, node: agent.node as string, label: this.#prefix + label }
  }

  /** Writes the intent to disk, then calls. The same attempt has the same id: a node that already has it does not do it again. */
  async #send(sending: Sending, send: Send, attempt: number): Promise<OperationResult> {
    const operationId = this.#id(sending, attempt)
    try {
      const result = await this.#sendOnly(sending, send, attempt)
      await this.#done(sending, operationId, result)
      return result
    } catch (error) {
      const cause = asQuorateError(error, sending.agent.node)
      if (cause.code === 'OPERATION_UNKNOWN_OUTCOME') return this.#judge(sending, send, { operationId, attempt, cause })
      if (isEnd(cause))
        await this.#failed(sending, operationId, runError(cause, sending.agent.node, this.#parts.context))
      throw error
    }
  }

  async #sendOnly(sending: Sending, send: Send, attempt: number): Promise<OperationResult> {
    const { context, record } = this.#parts
    const operationId = this.#id(sending, attempt)
    const { method } = sending
    const known = record.sent(this.#place(sending)).some((one) => one.operationId === operationId)
    if (!known) await record.emit({ kind: 'operation-sent', ...this.#place(sending), operationId, method, attempt })
    const { runId, cluster, fencingToken } = context
    return send({ operationId, runId, cluster, fencingToken })
  }

  #id(sending: Sending, attempt: number): string {
    return operationIdOf({ run: this.#parts.context.runId, ...this.#place(sending), attempt })
  }

  /** The outcome of an operation that was sent before; undefined when it never arrived. */
  async #settle(sending: Sending, send: Send, sent: SentOperation): Promise<OperationResult | undefined> {
    const { operationId, attempt } = sent
    const told = await this.#ask(sending, sent)
    switch (told.state) {
      case 'succeeded': {
        const result = told.result as OperationResult
        if (sent.state !== 'done') await this.#done(sending, operationId, result)
        return result
      }
      case 'failed': {
        const error = fromDetail(told.error, sending.agent.node)
        if (sent.state !== 'failed')
          await this.#failed(sending, operationId, runError(error, sending.agent.node, this.#parts.context))
        throw error
      }
      case 'interrupted':
        return this.#judge(sending, send, { operationId, attempt, cause: unknownOutcome(sending, operationId) })
      default:
        return undefined
    }
  }

  /** What the node reports, awaited while the operation runs. The journal's record stands where the node has no record or does not answer. */
  async #ask(sending: Sending, sent: SentOperation): Promise<Pick<GetOperationResponse, 'state' | 'result' | 'error'>> {
    const { agent, method } = sending
    const told = await untilEnded(agent, sent.operationId, {
      clock: this.#parts.clock ?? systemClock,
      onRunning: () => this.progress(`${method} is still running on ${agent.node}: waiting for it to finish`),
    }).catch((error: unknown) => {
      if (sent.state === 'sent') throw error
      return undefined
    })
    if (sent.state === 'sent' || (told !== undefined && told.state !== 'unknown')) return told as GetOperationResponse
    if (sent.state === 'done') return { state: 'succeeded', result: sent.result, error: undefined }
    return { state: 'failed', result: undefined, error: { ...(sent.error as RunError), correlationId: '' } }
  }

  async #judge(
    sending: Sending,
    send: Send,
    { operationId, attempt, cause }: { operationId: string; attempt: number; cause: QuorateError },
  ): Promise<OperationResult> {
    const { judge, run, step, action } = this.#parts
    const { agent, label, method } = sending
    if (judge === undefined || this.#judging) throw cause
    const { evidence } = await agent.read('examineOperation', { operationId })
    if (evidence === undefined) throw cause
    // It is still running after all: the same id attaches to it.
    if (evidence.state === 'running') return this.#send(sending, send, attempt)
    let ending = operationId
    const again = (): Promise<OperationResult> => {
      ending = this.#id(sending, attempt + 1)
      return this.#sendOnly(sending, send, attempt + 1)
    }
    this.#judging = true
    try {
      const interrupted = { step, action, node: agent.node, label: this.#prefix + label, method, evidence }
      const result = await judge(run, interrupted, { call: this, again })
      await this.#done(sending, ending, result)
      return result
    } catch (error) {
      const thrown = asQuorateError(error, agent.node)
      if (thrown.code === 'OPERATION_UNKNOWN_OUTCOME' && ending !== operationId && attempt < mostAttempts) {
        // The second attempt was interrupted as well: read the evidence again.
        this.#judging = false
        return await this.#judge(sending, send, { operationId: ending, attempt: attempt + 1, cause: thrown })
      }
      if (isEnd(thrown)) await this.#failed(sending, ending, runError(thrown, agent.node, this.#parts.context))
      throw error
    } finally {
      this.#judging = false
    }
  }

  #done(sending: Sending, operationId: string, result: OperationResult): Promise<void> {
    return this.#parts.record.emit({ kind: 'operation-done', ...this.#place(sending), operationId, result })
  }

  #failed(sending: Sending, operationId: string, error: RunError): Promise<void> {
    return this.#parts.record.emit({ kind: 'operation-failed', ...this.#place(sending), operationId, error })
  }
}

const nextAttempt = (sent: readonly SentOperation[]): number => Math.max(0, ...sent.map(({ attempt }) => attempt)) + 1

const endless: ReadonlySet<ErrorCode> = new Set([
  'AGENT_UNREACHABLE',
  'AGENT_ANSWER_REFUSED',
  'FENCED',
  'INTERRUPTED',
  'INTERNAL',
  'OPERATION_UNKNOWN_OUTCOME',
])

/** Whether an error means that the operation ended, not that its outcome is unknown. */
const isEnd = ({ code }: QuorateError): boolean => !endless.has(code)

interface Asking {
  readonly clock: Clock
  onRunning(): void
}

/** Queries a node for the outcome of an operation until it no longer runs. */
export async function untilEnded(
  agent: Sending['agent'],
  operationId: string,
  { clock, onRunning }: Asking,
): Promise<GetOperationResponse> {
  const deadline = clock.now() + longestMs
  for (let first = true; ; first = false) {
    const told = await agent.read('getOperation', { operationId })
    if (told.state !== 'running') return told
    if (first) onRunning()
    if (clock.now() > deadline) {
      throw new QuorateError('OPERATION_UNKNOWN_OUTCOME', `operation ${operationId} does not finish`, {
        where: agent.node,
      })
    }
    await clock.sleep(pollMs)
  }
}

/** An error from its node's ledger. */
export function fromDetail(detail: ErrorDetail | undefined, node: string): QuorateError {
  const code = detail !== undefined && isErrorCode(detail.code) ? detail.code : 'INTERNAL'
  return new QuorateError(code, saidByNode(detail?.message ?? 'the operation failed'), {
    where: node,
    ...(detail === undefined || detail.remedy === '' ? {} : { remedy: saidByNode(detail.remedy) }),
  })
}

const unknownOutcome = ({ agent, method }: Sending, operationId: string): QuorateError =>
  new QuorateError(
    'OPERATION_UNKNOWN_OUTCOME',
    `${method} (operation ${operationId}) started, but its end was not recorded`,
    { where: agent.node },
  )
