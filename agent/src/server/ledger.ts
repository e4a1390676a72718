import { QuorateError } from '@quorate/shared/errors'
import { type ErrorDetail, type OperationHeader, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { AppendFile, FileLine } from '../host/append-file.js'
import { compact, type FenceLine, fenceKey, type LedgerLine, type Unstamped } from './ledger-lines.js'

type Admission = Pick<OperationHeader, 'cluster' | 'fencingToken'>

/** How an operation ended. */
export type Outcome =
  | { readonly kind: 'result'; readonly result: OperationResult }
  | { readonly kind: 'error'; readonly error: ErrorDetail }

/** The ledger's knowledge of one operation; without an outcome it started and its end was never recorded. */
export interface LedgerEntry {
  readonly run: string
  readonly method: string
  /** sha256 (hex) of the request. */
  readonly payload: string
  /** When its intent was recorded; this node's clock, Unix milliseconds. */
  readonly begunAtUnixMs: number
  /** The request as sent; absent if it was too large to keep. */
  readonly request?: Uint8Array
  readonly outcome?: Outcome
}

export interface Intent {
  readonly header: OperationHeader
  readonly method: string
  readonly payload: string
  /** The request as sent: the examination of an interrupted operation needs its goal. */
  readonly request: Uint8Array
}

/** Sealed files can have megabytes, and only the agent process that they were sealed to could open them. */
const largestRequestBytes = 16 * 1024
/** A run leaves some hundred kilobytes on the busiest node; after a compaction the ledger may grow to twice its size before the next one. */
const usualMostBytes = 1024 * 1024

/**
 * The agent's record of its operations: append-only, one JSON line each, on the disk before it is reported. The intent is recorded
 * before an operation touches anything, its end before the caller gets it; state is a fold over the lines. A large ledger is
 * rewritten without the operations of runs that are long over (ledger-lines.ts).
 *
 * Sealed secrets of a result are kept: a repeated call must get its first answer, and they are ciphertexts
 * for keys that other nodes hold only in memory. A result never contains a secret in the clear (operation.proto).
 */
export class Ledger {
  private readonly file: AppendFile
  private readonly path: string
  private readonly mostBytes: number
  private compactAt: number
  private entries = new Map<string, LedgerEntry>()
  private fences = new Map<string, FenceLine>()
  private forgotten = new Set<string>()
  private last: Promise<unknown> = Promise.resolve()

  /** Throws JOURNAL_DAMAGED if a line cannot be read: it is then unknown what the node did, and nothing may be done twice. */
  constructor(file: AppendFile, path: string, mostBytes = usualMostBytes) {
    this.file = file
    this.path = path
    this.mostBytes = mostBytes
    this.compactAt = mostBytes
    for (const line of this.parsed(file.takeLines())) this.fold(line)
  }

  /** Undefined for an operation that never started here. */
  entry(operationId: string): LedgerEntry | undefined {
    return this.entries.get(operationId)
  }

  /** Oldest first. */
  all(): readonly (readonly [operationId: string, entry: LedgerEntry])[] {
    return [...this.entries]
  }

  /** True for a run whose operations were dropped: it is no longer known which of them were done. */
  hasForgotten(run: string): boolean {
    return this.forgotten.has(run)
  }

  /**
   * Refuses a fencing token below the highest one seen for the cluster (FENCED), and records a higher one before it is used, so that a paused
   * coordinator stays out even after this agent was restarted. `ca` is the pin of the cluster's CA on this node: the cluster is the same under whatever
   * name a coordinator knows it. Fences of earlier releases have the name alone.
   */
  admit({ cluster, fencingToken: token }: Admission, ca?: string): Promise<void> {
    return this.inTurn(async () => {
      const same = [...this.fences.values()].filter(
        (one) => one.cluster === cluster || (ca !== undefined && one.ca === ca),
      )
      const higher = same.find((one) => one.token > token || (one.token === token && one.cluster !== cluster))
      if (higher !== undefined) throw fenced(higher, { cluster, fencingToken: token })
      const known = this.fences.get(fenceKey({ cluster, ...(ca === undefined ? {} : { ca }) }))?.token ?? 0
      if (token > known) await this.add({ kind: 'fence', cluster, token, ...(ca === undefined ? {} : { ca }) })
    })
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

  /** Rewrites the file once it has grown. Rejects if the disk refuses; nothing is lost then, and it is tried again later. */
  async compactIfLarge(): Promise<void> {
    if (this.file.size() <= this.compactAt) return
    await this.inTurn(async () => {
      let forgotten: readonly string[] = []
      await this.file.rewrite((lines) => {
        const kept = compact(this.parsed(lines))
        forgotten = kept.forgotten
        return [stamped({ kind: 'forgotten', runs: forgotten }), ...kept.lines].map((line) => JSON.stringify(line))
      })
      this.compactAt = Math.max(this.mostBytes, 2 * this.file.size())
      this.forgotten = new Set(forgotten)
      this.entries = new Map(this.all().filter(([, { run }]) => !this.forgotten.has(run)))
    })
  }

  /** Resolves when every pending write is done. */
  async close(): Promise<void> {
    await this.last.catch(() => {})
    await this.file.close()
  }

  /** One after the other; memory follows the disk, never the other way. */
  private write(record: Unstamped<LedgerLine>): Promise<void> {
    return this.inTurn(() => this.add(record))
  }

  private async add(record: Unstamped<LedgerLine>): Promise<void> {
    const line = stamped(record)
    await this.file.append(JSON.stringify(line))
    this.fold(line)
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.last.catch(() => {}).then(work)
    this.last = done
    return done
  }

  private parsed(lines: readonly FileLine[]): LedgerLine[] {
    const begun = new Set<string>()
    return lines.map(({ text, offset }, index) => {
      try {
        const line = JSON.parse(text) as LedgerLine
        refuseUnknown(line, begun)
        return line
      } catch (cause) {
        const where = `line ${index + 1} of ${this.path}, at byte ${offset},`
        throw new QuorateError('JOURNAL_DAMAGED', `${where} cannot be read: ${(cause as Error).message}`, {
          where: this.path,
          cause,
        })
      }
    })
  }

  private fold(line: LedgerLine): void {
    switch (line.kind) {
      case 'fence':
        if (line.token > (this.fences.get(fenceKey(line))?.token ?? 0)) this.fences.set(fenceKey(line), line)
        break
      case 'intent':
        this.entries.set(line.id, begun(line))
        break
      case 'result':
        this.foldEnd(line.id, {
          kind: 'result',
          result: OperationResult.decode(Buffer.from(line.result, 'base64')),
        })
        break
      case 'error':
        this.foldEnd(line.id, { kind: 'error', error: line.error })
        break
      case 'forgotten':
        for (const run of line.runs) this.forgotten.add(run)
    }
  }

  private foldEnd(id: string, outcome: Outcome): void {
    const entry = this.entries.get(id)
    if (entry !== undefined) this.entries.set(id, { ...entry, outcome })
  }
}

function fenced(by: FenceLine, { cluster, fencingToken }: Admission): QuorateError {
  const message = `cluster ${by.cluster} was taken over with fencing token ${by.token}; this call has ${fencingToken}`
  if (by.cluster === cluster) return new QuorateError('FENCED', message)
  return new QuorateError('FENCED', `${message} and calls the same cluster ${cluster}`, {
    remedy: `Another coordinator knows this cluster as ${by.cluster}. Write metadata.name: ${by.cluster} into the cluster file and use its state folder; if that is lost, see docs/troubleshooting.md.`,
  })
}

const stamped = (record: Unstamped<LedgerLine>): LedgerLine =>
  ({ at: new Date().toISOString(), ...record }) as LedgerLine

/** A newer agent may have written here: skipping a line could mean doing something twice. */
function refuseUnknown(line: LedgerLine, begun: Set<string>): void {
  if (line.kind === 'intent') begun.add(line.id)
  if ((line.kind === 'result' || line.kind === 'error') && !begun.has(line.id)) {
    throw new Error(`an end without a beginning: ${line.id}`)
  }
  if (!['fence', 'intent', 'result', 'error', 'forgotten'].includes(line.kind)) {
    throw new Error(`unknown kind of line: ${JSON.stringify(line.kind)}`)
  }
}

function begun({ at, run, method, payload, request }: Extract<LedgerLine, { kind: 'intent' }>): LedgerEntry {
  const entry = { run, method, payload, begunAtUnixMs: Date.parse(at) }
  return request === undefined ? entry : { ...entry, request: Buffer.from(request, 'base64') }
}
