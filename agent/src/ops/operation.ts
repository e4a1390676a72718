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
}

/** Changing: runs at most once for one operation id; the ledger keeps its result. */
export interface ChangeOperation<In> {
  readonly kind: 'change'
  run(input: In, context: ChangeContext): Promise<OperationResult>
}

export const readOperation = <In, Out>(run: ReadOperation<In, Out>['run']): ReadOperation<In, Out> => ({
  kind: 'read',
  run,
})
export const streamOperation = <In, Out>(run: StreamOperation<In, Out>['run']): StreamOperation<In, Out> => ({
  kind: 'stream',
  run,
})
export const changeOperation = <In>(run: ChangeOperation<In>['run']): ChangeOperation<In> => ({ kind: 'change', run })
