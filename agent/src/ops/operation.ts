import type { OperationHeader, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { Tools } from './tools.js'

/** Reading: changes nothing, may be asked again at any time. */
export interface ReadOperation<In, Out> {
  readonly kind: 'read'
  run(input: In, tools: Tools, signal: AbortSignal): Promise<Out>
}

/** Reading that answers in pieces (listeners held open, progress of a check, bytes of a backup). */
export interface StreamOperation<In, Out> {
  readonly kind: 'stream'
  run(input: In, tools: Tools, signal: AbortSignal): AsyncIterable<Out>
}

/** What a changing operation gets beside its request. */
export interface ChangeContext {
  readonly tools: Tools
  readonly header: OperationHeader
  /** A line for the person who watches; also kept in the agent's log. */
  progress(message: string): void
  readonly signal: AbortSignal
  /** Tidying that may only be done when the end of the operation is on the disk: unloading the unit that carried it. */
  onceRecorded(tidy: () => Promise<void>): void
}

/**
 * Facts of a look; `done` says whether what the operation wanted is there now. `repeatable: yes` where that cannot be seen, but the same
 * under a new id does no harm.
 */
export type Evidence = Readonly<Record<string, string>> & { readonly done: 'yes' | 'no' | 'unknown' }

/** What a look at an operation gets beside its request. */
export interface LookContext {
  readonly tools: Tools
  readonly header: OperationHeader
  /** When its intent was written; this node's clock, Unix milliseconds. */
  readonly begunAtUnixMs: number
  readonly signal: AbortSignal
}

/** Changing: runs at most once for one operation id; the ledger keeps its result. */
export interface ChangeOperation<In> {
  readonly kind: 'change'
  run(input: In, context: ChangeContext): Promise<OperationResult>
  /** Looks whether what was wanted is there; changes nothing. Undefined where that cannot be seen. */
  readonly evidence?: (input: In, context: LookContext) => Promise<Evidence>
  /** Set where one transient unit carries the whole change: it outlives this agent, which may follow it again. */
  readonly carrier?: Carrier<In>
}

export interface Carrier<In> {
  /** The unit's label, as for unitName. */
  readonly label?: string
  /** Goes on after this agent was restarted, the unit being loaded: follows it to its end and does what comes after. */
  resume(input: In, context: ChangeContext): Promise<OperationResult>
}

type Durable<In> = Pick<ChangeOperation<In>, 'evidence' | 'carrier'>

export const readOperation = <In, Out>(run: ReadOperation<In, Out>['run']): ReadOperation<In, Out> => ({
  kind: 'read',
  run,
})
export const streamOperation = <In, Out>(run: StreamOperation<In, Out>['run']): StreamOperation<In, Out> => ({
  kind: 'stream',
  run,
})
export const changeOperation = <In>(
  run: ChangeOperation<In>['run'],
  durable: Durable<In> = {},
): ChangeOperation<In> => ({ kind: 'change', run, ...durable })

/** Evidence of a look that has but two answers. */
export const doneIf = (done: boolean, facts: Readonly<Record<string, string>> = {}): Evidence => ({
  ...facts,
  done: done ? 'yes' : 'no',
})
