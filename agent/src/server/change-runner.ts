import { createHash } from 'node:crypto'
import { QuorateError } from '@quorate/shared/errors'
import type { OperationHeader } from '@quorate/shared/gen/quorate/v1/operation'
import type { Log } from '@quorate/shared/log'
import { redact } from '@quorate/shared/redact'
import type { ChangeOperation } from '../ops/operation.js'
import type { Tools } from '../ops/tools.js'
import type { Ledger, LedgerEntry, Outcome } from './ledger.js'
import { NodeLock } from './node-lock.js'
import { describeError } from './status.js'

/** A changing operation as it was asked for; the request was checked at the door. */
export interface Change {
  readonly method: string
  readonly header: OperationHeader
  readonly request: ChangeRequest
  readonly operation: ChangeOperation<ChangeRequest>
  /** The request as it goes over the wire. */
  readonly encode: (request: ChangeRequest) => Uint8Array
}

export interface ChangeRequest {
  readonly header?: OperationHeader | undefined
}

/** Where a caller looks at one operation: what it says and how it ends. Looking away changes nothing. */
export interface Following {
  /** All lines from the beginning, then each new one; the answer ends it. */
  onProgress(listener: (line: string) => void): () => void
  /** Never rejects: an error is an outcome. */
  readonly outcome: Promise<Outcome>
}

export interface ChangeRunnerOptions {
  readonly ledger: Ledger
  readonly tools: Tools
  readonly log: Log
  /** How long a change waits for another one on this node before it is refused with NODE_BUSY. */
  readonly busyWaitMs?: number
}

const usualBusyWaitMs = 10_000
/** Enough for a whole join; more is a runaway. */
const mostLinesKept = 2000

interface Running extends Following {
  readonly payload: string
  readonly method: string
  say(line: string): void
}

/**
 * Runs each changing operation at most once, one at a time on this node: intent on the disk, the operation, its end on the disk,
 * then the answer. An operation belongs to the node and not to the call that asked for it: it goes on when the caller is lost.
 */
export class ChangeRunner {
  private readonly options: ChangeRunnerOptions
  private readonly lock = new NodeLock()
  private readonly running = new Map<string, Running>()
  private readonly stopped = new AbortController()

  constructor(options: ChangeRunnerOptions) {
    this.options = options
  }

  isRunning(operationId: string): boolean {
    return this.running.has(operationId)
  }

  /**
   * Starts an operation, attaches to the running one of that id, or answers as it ended. Throws FENCED, OPERATION_MISMATCH
   * (another request under the same id) and OPERATION_UNKNOWN_OUTCOME (it began before this agent was restarted and no end was
   * written). A node that is busy or an agent that is stopping is an outcome, NODE_BUSY: such an operation never began.
   */
  async start(change: Change): Promise<Following> {
    const { operationId } = change.header
    await this.options.ledger.admit(change.header)
    const payload = payloadHash(change)
    const known = this.running.get(operationId) ?? this.options.ledger.entry(operationId)
    if (known !== undefined && (known.payload !== payload || known.method !== change.method)) {
      throw new QuorateError('OPERATION_MISMATCH', `operation ${operationId} was ${known.method} with another request`)
    }
    const running = this.running.get(operationId)
    if (running !== undefined) return running
    if (known !== undefined) return ended(known, operationId)
    return this.launch(change, payload)
  }

  /** Refuses new operations and waits for the one that runs, at most `graceMs`: then its intent stays without an end. */
  async stop(graceMs: number): Promise<void> {
    this.stopped.abort(stopping())
    const all = Promise.all([...this.running.values()].map(({ outcome }) => outcome))
    let timer: NodeJS.Timeout | undefined
    const grace = new Promise((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([all, grace])
    clearTimeout(timer)
  }

  private launch(change: Change, payload: string): Following {
    const { operationId } = change.header
    const progress = new ProgressLines()
    const say = (line: string): void => {
      const clean = redact(line)
      this.options.log.info('progress', { operation: operationId, method: change.method, line: clean })
      progress.push(clean)
    }
    const outcome = this.carryOut(change, payload, say).finally(() => this.running.delete(operationId))
    const running = { payload, method: change.method, say, outcome, onProgress: progress.follow }
    this.running.set(operationId, running)
    return running
  }

  private async carryOut(change: Change, payload: string, say: (line: string) => void): Promise<Outcome> {
    const { ledger, log, busyWaitMs = usualBusyWaitMs } = this.options
    const { header, method } = change
    let release = (): void => {}
    try {
      release = await this.lock.take(method, busyWaitMs, this.stopped.signal)
      await ledger.begin({ header, method, payload })
      log.info('operation began', { operation: header.operationId, method, run: header.runId })
      const outcome = await this.run(change, say)
      // Not told before it is on the disk: else a repeat after a power cut would find it unfinished.
      await ledger.end(header.operationId, outcome)
      log.info('operation ended', { operation: header.operationId, method, ended: outcome.kind })
      return outcome
    } catch (error) {
      return { kind: 'error', error: describeError(error, log) }
    } finally {
      release()
    }
  }

  private async run({ operation, request, header }: Change, say: (line: string) => void): Promise<Outcome> {
    // Nothing aborts a change once it began: half a change is worse than a late one.
    const signal = new AbortController().signal
    const { tools, log } = this.options
    try {
      return { kind: 'result', result: await operation.run(request, { tools, header, progress: say, signal }) }
    } catch (error) {
      return { kind: 'error', error: describeError(error, log) }
    }
  }
}

/**
 * sha256 of the request without its fencing token: a coordinator that takes a run over asks for the same operation under a
 * higher one.
 */
function payloadHash({ request, header, encode }: Change): string {
  const bytes = encode({ ...request, header: { ...header, fencingToken: 0 } })
  return createHash('sha256').update(bytes).digest('hex')
}

function ended({ outcome }: LedgerEntry | Running, operationId: string): Following {
  if (outcome === undefined) {
    throw new QuorateError(
      'OPERATION_UNKNOWN_OUTCOME',
      `operation ${operationId} began before this agent was restarted, and no end of it was written`,
    )
  }
  return { onProgress: () => () => {}, outcome: Promise.resolve(outcome) }
}

const stopping = (): QuorateError =>
  new QuorateError('NODE_BUSY', 'the agent is stopping', {
    remedy: 'Ask again when the agent runs: `systemctl status quorate-agent` on that node.',
  })

class ProgressLines {
  private readonly lines: string[] = []
  private readonly listeners = new Set<(line: string) => void>()

  push(line: string): void {
    if (this.lines.push(line) > mostLinesKept) this.lines.shift()
    for (const listener of this.listeners) listener(line)
  }

  readonly follow = (listener: (line: string) => void): (() => void) => {
    for (const line of this.lines) listener(line)
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
