import { createHash } from 'node:crypto'
import { QuorateError } from '@quorate/shared/errors'
import type { OperationHeader, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { Log } from '@quorate/shared/log'
import { redact } from '@quorate/shared/redact'
import { lookAtUnit, unitName } from '../host/transient-unit.js'
import type { ChangeContext, ChangeOperation } from '../ops/context/operation.js'
import type { Tools } from '../ops/context/tools.js'
import { clusterPin } from './cluster-pin.js'
import { endNotWritten, intentNotWritten, longOver, stopping, unknownOutcome } from './durability-errors.js'
import type { Ledger, LedgerEntry, Outcome } from './ledger.js'
import { NodeLock } from './node-lock.js'
import { ProgressLines } from './progress-lines.js'
import { describeError } from './status.js'
import { toldTools } from './told-folders.js'

/** A requested change; the request has been validated. */
export interface Change {
  readonly method: string
  readonly header: OperationHeader
  readonly request: ChangeRequest
  readonly operation: ChangeOperation<ChangeRequest>
  /** The request as sent. */
  readonly encode: (request: ChangeRequest) => Uint8Array
  /** Throws where its caller was revoked while it waited; unset for one that an earlier agent began. */
  readonly requireStill?: () => void
}

export interface ChangeRequest {
  readonly header?: OperationHeader | undefined
}

/** A caller's view of one operation: its progress and end. Detaching changes nothing. */
export interface Following {
  /** All lines from the beginning, then each new one; the end of the operation ends it. */
  onProgress(listener: (line: string) => void): () => void
  /** Never rejects: an error is an outcome. */
  readonly outcome: Promise<Outcome>
}

export interface ChangeRunnerOptions {
  readonly ledger: Ledger
  readonly tools: Tools
  readonly log: Log
  /** How long a change waits for another one on this node before NODE_BUSY. */
  readonly busyWaitMs?: number
}

const usualBusyWaitMs = 10_000

interface Running extends Following {
  readonly payload: string
  readonly method: string
}

interface Launch {
  readonly change: Change
  readonly payload: string
  /** Started by an earlier agent; its unit is loaded. */
  readonly resumed: boolean
}

type Tidy = Parameters<ChangeContext['onceRecorded']>[0]

/**
 * Runs each changing operation at most once, one at a time on this node: intent on the disk, the operation, its end on the disk,
 * then the answer. An operation belongs to the node and not to the call: it continues without its caller, and
 * if a unit carries it also without the agent.
 */
export class ChangeRunner {
  private readonly options: ChangeRunnerOptions
  private readonly lock = new NodeLock()
  private readonly running = new Map<string, Running>()
  /** Ends that the disk refused: written when they are requested again, and lost with this process. */
  private readonly unwritten = new Map<string, Outcome>()
  private readonly stopped = new AbortController()

  constructor(options: ChangeRunnerOptions) {
    this.options = options
  }

  isRunning(operationId: string): boolean {
    return this.running.has(operationId)
  }

  /**
   * Starts an operation, attaches to the running one of that id or to its unit, or returns its recorded end. Throws FENCED,
   * OPERATION_MISMATCH (another request under the same id) and OPERATION_UNKNOWN_OUTCOME (it started before this agent was restarted, its end
   * was not recorded, and it has no unit). A busy node or a stopping agent is an outcome, NODE_BUSY: such an operation
   * never started.
   */
  async start(change: Change): Promise<Following> {
    const { operationId } = change.header
    await this.options.ledger.admit(change.header, await clusterPin(this.options.tools.host))
    await this.writeLate(operationId)
    const payload = payloadHash(change)
    const running = this.running.get(operationId)
    const entry = this.options.ledger.entry(operationId)
    const known = running ?? entry
    if (known !== undefined && (known.payload !== payload || known.method !== change.method)) {
      throw new QuorateError('OPERATION_MISMATCH', `operation ${operationId} was ${known.method} with another request`)
    }
    if (running !== undefined) return running
    if (entry?.outcome !== undefined) return { onProgress: () => () => {}, outcome: Promise.resolve(entry.outcome) }
    if (entry !== undefined && change.operation.carrier === undefined) throw unknownOutcome(operationId)
    if (this.options.ledger.hasForgotten(change.header.runId)) throw longOver(change.header)
    return this.launch({ change, payload, resumed: entry !== undefined })
  }

  /** Follows again what an earlier agent started and a unit continues. */
  attach(change: Change, { payload }: LedgerEntry): void {
    this.launch({ change, payload, resumed: true })
  }

  /** True while the unit of an operation is loaded: it runs, or has ended and is not unloaded. */
  async hasUnit({ operation: { carrier }, header }: Change): Promise<boolean> {
    if (carrier === undefined) return false
    const unit = unitName(header.operationId, carrier.label)
    return (await lookAtUnit(this.options.tools.host, unit)).state !== 'not-found'
  }

  /** Refuses new operations and waits for the running one, at most `graceMs`: then its intent stays without an end. */
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

  private launch(launch: Launch): Following {
    const { change, payload } = launch
    const { operationId } = change.header
    const progress = new ProgressLines()
    const say = (line: string): void => {
      const clean = redact(line)
      this.options.log.info('progress', { operation: operationId, method: change.method, line: clean })
      progress.push(clean)
    }
    const outcome = this.carryOut(launch, say).finally(() => this.running.delete(operationId))
    const running = { payload, method: change.method, outcome, onProgress: progress.follow }
    this.running.set(operationId, running)
    return running
  }

  private async carryOut(launch: Launch, say: (line: string) => void): Promise<Outcome> {
    const { log, busyWaitMs = usualBusyWaitMs } = this.options
    const { method, header } = launch.change
    const about = { operation: header.operationId, method, run: header.runId }
    const tidies: Tidy[] = []
    let release = (): void => {}
    let changed = (): void => {}
    try {
      release = await this.lock.take(method, busyWaitMs, this.stopped.signal)
      if (!launch.resumed) launch.change.requireStill?.()
      if (!launch.resumed) await this.writeIntent(launch)
      else if (!(await this.hasUnit(launch.change))) throw unknownOutcome(header.operationId)
      changed = await this.options.tools.looks.giveWay(header.runId)
      log.info(launch.resumed ? 'operation resumed' : 'operation began', about)
      const outcome = await this.run(launch, say, (tidy) => tidies.push(tidy))
      await this.writeEnd(header.operationId, outcome)
      log.info('operation ended', { ...about, ended: outcome.kind })
      for (const tidy of [...tidies, () => this.options.ledger.compactIfLarge()]) {
        await tidy().catch((error: Error) => log.warn('not tidied', { why: error.message }))
      }
      return outcome
    } catch (error) {
      return { kind: 'error', error: describeError(error, log) }
    } finally {
      changed()
      release()
    }
  }

  private async run(
    { change: { operation, request, header }, resumed }: Launch,
    say: (line: string) => void,
    onceRecorded: (tidy: Tidy) => void,
  ): Promise<Outcome> {
    // Nothing aborts a change once it has started: half a change is worse than a late one.
    const signal = new AbortController().signal
    const { log } = this.options
    const tools = toldTools(this.options.tools, request)
    const context: ChangeContext = { tools, header, progress: say, signal, onceRecorded }
    const go = resumed ? operation.carrier?.resume : operation.run
    try {
      return { kind: 'result', result: (await go?.(request, context)) as OperationResult }
    } catch (error) {
      return { kind: 'error', error: describeError(error, log) }
    }
  }

  private async writeIntent({ change: { header, method, request, encode }, payload }: Launch): Promise<void> {
    await this.options.ledger.begin({ header, method, payload, request: encode(request) }).catch((error: unknown) => {
      throw intentNotWritten(method, error)
    })
  }

  /** Reported only once it is on the disk: otherwise a repeat after a power cut would find it unfinished. */
  private async writeEnd(operationId: string, outcome: Outcome): Promise<void> {
    await this.options.ledger.end(operationId, outcome).catch((error: unknown) => {
      this.unwritten.set(operationId, outcome)
      throw endNotWritten(operationId, error)
    })
  }

  private async writeLate(operationId: string): Promise<void> {
    const outcome = this.unwritten.get(operationId)
    if (outcome === undefined) return
    await this.writeEnd(operationId, outcome)
    this.unwritten.delete(operationId)
  }
}

/**
 * sha256 of the request without its fencing token and folders: a coordinator that takes a run over sends the same
 * operation with a higher token, and may not know the folders while the first control plane is down.
 */
function payloadHash({ request, header, encode }: Change): string {
  const bytes = encode({ ...request, header: { ...header, fencingToken: 0, folders: undefined } })
  return createHash('sha256').update(bytes).digest('hex')
}
