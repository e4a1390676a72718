import type { OperationResult, SealedSecret, TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'

export interface Change {
  /** A summary line. */
  readonly summary: string
  readonly touched?: readonly TouchedObject[]
  readonly facts?: Readonly<Record<string, string>>
  readonly sealed?: readonly SealedSecret[]
}

/** The result of an operation that did something. */
export function changed({ summary, touched = [], facts = {}, sealed = [] }: Change): OperationResult {
  return { unchanged: false, touched: [...touched], summary, facts: { ...facts }, sealed: [...sealed] }
}

/** The result of an operation that needed no change. */
export function unchanged(summary: string, facts: Readonly<Record<string, string>> = {}): OperationResult {
  return { unchanged: true, touched: [], summary, facts: { ...facts }, sealed: [] }
}
