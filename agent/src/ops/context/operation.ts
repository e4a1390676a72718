import type { OperationHeader, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { Tools } from './tools.js'

/** A read: changes nothing, can be repeated at any time. */
export interface ReadOperation<In, Out> {
  readonly kind: 'read'
  run(input: In, tools: Tools, signal: AbortSignal): Promise<Out>
}

/** A read that streams (listeners held open, progress of a check, bytes of a backup). */
export interface StreamOperation<In, Out> {
  readonly kind: 'stream'
  run(input: In, tools: Tools, signal: AbortSignal): AsyncIterable<Out>
}

/** What a changing operation gets besides its request. */
export interface ChangeContext {
  readonly tools: Tools
  readonly header: OperationHeader
  /** A progress line for the operator; also written to the agent's log. */
  progress(message: string): void
  readonly signal: AbortSignal
  /** Cleanup that must wait until the end of the operation is on the disk: unloading its unit. */
  onceRecorded(tidy: () => Promise<void>): void
}

/**
 * Evidence about an operation; `done` says whether its goal is reached now. `repeatable: yes` if that cannot be seen, but the same operation
 * under a new id does no harm.
 */
export type Evidence = Readonly<Record<string, string>> & { readonly done: 'yes' | 'no' | 'unknown' }

/** What an examination of an operation gets besides its request. */
export interface LookContext {
  readonly tools: Tools
  readonly header: OperationHeader
  /** When its intent was recorded; this node's clock, Unix milliseconds. */
  readonly begunAtUnixMs: number
  readonly signal: AbortSignal
}

/** A change: runs at most once per operation id; the ledger keeps its result. */
export interface ChangeOperation<In> {
  readonly kind: 'change'
  run(input: In, context: ChangeContext): Promise<OperationResult>
  /** Checks whether the goal is reached; changes nothing. Undefined if that cannot be seen. */
  readonly evidence?: (input: In, context: LookContext) => Promise<Evidence>
  /** Set if one transient unit carries the whole change: it outlives this agent, which can follow it again. */
  readonly carrier?: Carrier<In>
}

export interface Carrier<In> {
  /** The unit's label, for unitName. */
  readonly label?: string
  /** Continues after a restart of this agent while the unit is loaded: follows it to its end and does the remaining work. */
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

/** Evidence with only two outcomes. */
export const doneIf = (done: boolean, facts: Readonly<Record<string, string>> = {}): Evidence => ({
  ...facts,
  done: done ? 'yes' : 'no',
})
