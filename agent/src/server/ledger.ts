import { QuorateError } from '@quorate/shared/errors'
import { type ErrorDetail, type OperationHeader, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { AppendFile } from '../host/append-file.js'

/** How an operation ended. */
export type Outcome =
  | { readonly kind: 'result'; readonly result: OperationResult }
  | { readonly kind: 'error'; readonly error: ErrorDetail }

/** What the ledger knows of one operation; without an outcome it began and its end was never written. */
export interface LedgerEntry {
  readonly run: string
  readonly method: string
  /** sha256 (hex) of the request. */
  readonly payload: string
  /** When its intent was written; this node's clock, Unix milliseconds. */
  readonly begunAtUnixMs: number
  /** The request as it came over the wire; absent where it was too large to keep. */
  readonly request?: Uint8Array
  readonly outcome?: Outcome
}

export interface Intent {
  readonly header: OperationHeader
  readonly method: string
  readonly payload: string
  /** The request as it came over the wire: who looks at an interrupted operation must know what it wanted. */
  readonly request: Uint8Array
}

/** Sealed files can be megabytes, and only the agent process that they were sealed to could open them. */
const largestRequestBytes = 16 * 1024

/** One line of the file. `summary` is for people who read it; the result itself is OperationResult as base64. */
type LedgerLine = { readonly at: string } & (
  | { readonly kind: 'fence'; readonly cluster: string; readonly token: number }
  | {
      readonly kind: 'intent'
      readonly id: string
      readonly run: string
      readonly method: string
      readonly payload: string
      readonly request?: string
    }
  | { readonly kind: 'result'; readonly id: string; readonly summary: string; readonly result: string }
  | { readonly kind: 'error'; readonly id: string; readonly error: ErrorDetail }
)
type Unstamped<Line> = Line extends unknown ? Omit<Line, 'at'> : never

/**
 * The agent's memory of what it did: append-only, one JSON line each, on the disk before anybody is told. The intent is there
 * before an operation touches anything, its end before the caller hears of it; state is a fold over the lines.
 *
 * Sealed secrets of a result are kept: without them a repeated call could not get its first answer, and they are ciphertexts
 * for keys that other nodes hold in memory only. No secret in the clear is ever part of a result (operation.proto).
 */
export class Ledger {
  private readonly file: AppendFile
  private readonly entries = new Map<string, LedgerEntry>()
  private readonly fences = new Map<string, number>()
  private last: Promise<unknown> = Promise.resolve()

  /** Throws JOURNAL_DAMAGED when a line cannot be read: what the node did is then unknown, and nothing may be done twice. */
  constructor(file: AppendFile, path: string) {
    this.file = file
    for (const [index, text] of file.lines.entries()) {
      try {
        this.fold(JSON.parse(text))
      } catch (cause) {
        throw new QuorateError('JOURNAL_DAMAGED', `line ${index + 1} of ${path} cannot be read`, { where: path, cause })
      }
    }
  }

  /** Undefined for an operation that was never begun here. */
  entry(operationId: string): LedgerEntry | undefined {
    return this.entries.get(operationId)
  }

  /**
   * Refuses a fencing token below the highest one seen for the cluster (FENCED), and keeps a higher one before it is acted
   * upon, so that a coordinator that was paused stays out also after this agent was restarted.
   */
  async admit({ cluster, fencingToken: token }: OperationHeader): Promise<void> {
    const highest = this.fences.get(cluster) ?? 0
    if (token < highest) {
      throw new QuorateError(
        'FENCED',
        `cluster ${cluster} was taken over with fencing token ${highest}; this call has ${token}`,
      )
    }
    if (token > highest) await this.write({ kind: 'fence', cluster, token })
  }

  async begin({ header, method, payload, request }: Intent): Promise<void> {
    const intent = { kind: 'intent' as const, id: header.operationId, run: header.runId, method, payload }
    const kept = request.length > largestRequestBytes ? {} : { request: Buffer.from(request).toString('base64') }
    await this.write({ ...intent, ...kept })
  }

  async end(operationId: string, outcome: Outcome): Promise<void> {
    if (outcome.kind === 'error') return this.write({ kind: 'error', id: operationId, error: outcome.error })
    const result = Buffer.from(OperationResult.encode(outcome.result).finish()).toString('base64')
    return this.write({ kind: 'result', id: operationId, summary: outcome.result.summary, result })
  }

  /** Resolves when all that was asked to be written is written. */
  async close(): Promise<void> {
    await this.last.catch(() => {})
    await this.file.close()
  }

  /** One after the other; memory follows the disk, never the other way. */
  private write(record: Unstamped<LedgerLine>): Promise<void> {
    const line = { at: new Date().toISOString(), ...record } as LedgerLine
    const written = this.last
      .catch(() => {})
      .then(() => this.file.append(JSON.stringify(line)))
      .then(() => this.fold(line))
    this.last = written
    return written
  }

  private fold(line: LedgerLine): void {
    switch (line.kind) {
      case 'fence':
        this.fences.set(line.cluster, Math.max(line.token, this.fences.get(line.cluster) ?? 0))
        break
      case 'intent':
        this.entries.set(line.id, begun(line))
        break
      case 'result': {
        const result = OperationResult.decode(Buffer.from(line.result, 'base64'))
        this.foldEnd(line.id, { kind: 'result', result })
        break
      }
      case 'error':
        this.foldEnd(line.id, { kind: 'error', error: line.error })
        break
      default:
        // A newer agent wrote here: to pass over a line could be to do something twice.
        throw new Error(`unknown kind of line: ${JSON.stringify((line as { kind: unknown }).kind)}`)
    }
  }

  private foldEnd(id: string, outcome: Outcome): void {
    const entry = this.entries.get(id)
    if (entry === undefined) throw new Error(`an end without a beginning: ${id}`)
    this.entries.set(id, { ...entry, outcome })
  }
}

function begun({ at, run, method, payload, request }: Extract<LedgerLine, { kind: 'intent' }>): LedgerEntry {
  const entry = { run, method, payload, begunAtUnixMs: Date.parse(at) }
  return request === undefined ? entry : { ...entry, request: Buffer.from(request, 'base64') }
}
