import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { RecordedFinding } from './recorded-finding.js'
import type { Action, Evidence } from './step.js'

/** What happened, as the journal, the terminal, the event stream and the report all read it. No secret is ever in it. */
export type RunEvent =
  | {
      readonly kind: 'run-started'
      readonly cluster: string
      readonly planHash: string
      readonly fencingToken: number
      readonly version: string
      /** Text of the cluster file, so that the journal stands alone. */
      readonly clusterFile: string
      readonly steps: readonly { readonly id: string; readonly title: string; readonly actions: readonly Action[] }[]
      /** Findings that the operator chose to ignore, with the reasons. */
      readonly ignored: Readonly<Record<string, string>>
      /** Set where it walks another order than the usual one. */
      readonly purpose?: string
      /** All that the checks found, the worst first; journals of older versions lack it. */
      readonly findings?: readonly RecordedFinding[]
    }
  | {
      /** Another process took the run over; what it goes on with is in `steps`. */
      readonly kind: 'run-resumed'
      readonly planHash: string
      readonly fencingToken: number
      readonly version: string
      /** What is to be done from here on, planned from facts read now. */
      readonly steps: readonly { readonly id: string; readonly title: string; readonly actions: readonly Action[] }[]
      /** What differs from what was approved, where a person accepted it. */
      readonly differences: readonly string[]
    }
  | {
      readonly kind: 'step-started'
      readonly step: string
      readonly title: string
      readonly actions: readonly Action[]
      /** What it relies on, proved again just before. */
      readonly proofs?: readonly Evidence[]
    }
  | { readonly kind: 'step-skipped'; readonly step: string; readonly title: string }
  | { readonly kind: 'action-started'; readonly step: string; readonly action: Action }
  /** One that was begun before is brought to its end: what it sent is asked for, not sent again. */
  | { readonly kind: 'action-continued'; readonly step: string; readonly action: string; readonly node: string }
  | {
      readonly kind: 'operation-sent'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly operationId: string
      readonly label: string
      readonly method: string
      readonly attempt: number
    }
  | {
      readonly kind: 'progress'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly message: string
    }
  | {
      readonly kind: 'operation-done'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly label: string
      readonly operationId: string
      readonly result: OperationResult
    }
  | {
      readonly kind: 'operation-failed'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly label: string
      readonly operationId: string
      readonly error: RunError
    }
  | {
      readonly kind: 'action-verified'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly evidence: readonly Evidence[]
    }
  | {
      readonly kind: 'action-failed'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly error: RunError
    }
  | {
      /** Its node does not answer: what is left of it is done when it comes back. */
      readonly kind: 'action-pending'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly error: RunError
    }
  | { readonly kind: 'undo-started'; readonly step: string; readonly action: string; readonly node: string }
  | {
      readonly kind: 'action-undone'
      readonly step: string
      readonly action: string
      readonly node: string
      /** What was seen after it. */
      readonly evidence: readonly Evidence[]
    }
  | {
      readonly kind: 'undo-failed'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly error: RunError
    }
  | { readonly kind: 'step-done'; readonly step: string }
  /** It does not answer, and the run goes on without it: from here on all that is due on it waits. */
  | { readonly kind: 'node-missing'; readonly node: string; readonly message: string }
  /** All that waited for it is done. */
  | { readonly kind: 'node-back'; readonly node: string }
  /** A snapshot from before the first change, and at the end, its fields beside these two: for the report. */
  | { readonly kind: 'cluster-seen'; readonly when: 'before' | 'after' }
  | ({ readonly kind: 'availability' } & AvailabilityRecord)
  | { readonly kind: 'run-ended'; readonly outcome: 'done' | 'failed' | 'interrupted'; readonly error?: RunError }
  | {
      /** The way back begins, or goes on after a crash. */
      readonly kind: 'rollback-started'
      readonly fencingToken: number
      readonly version: string
      /** Only a part is taken back, as the order's own house says. */
      readonly keepEndpoint: boolean
    }
  | { readonly kind: 'run-rolled-back'; readonly outcome: 'done' | 'failed' | 'interrupted'; readonly error?: RunError }

/** What one node saw of one server while one step ran. */
export interface AvailabilityRecord {
  /** Id of the step. */
  readonly during: string
  /** The node that asked. */
  readonly place: string
  /** What was asked, by the name that the watch gives it. */
  readonly target: string
  /** Unix milliseconds. */
  readonly from: number
  readonly to: number
  /** 0: it could not be watched. */
  readonly asked: number
  readonly failed: number
  /** The longest time between two good answers. */
  readonly longestGapMs: number
  /** How long the machine that asked stood still itself, which is in no gap; absent where it did not. */
  readonly stalledMs?: number | undefined
  readonly outages: readonly Outage[]
}

/** A gap with at least one failed answer in it. */
export interface Outage {
  /** Unix milliseconds: the last good answer before it, the first one after it. */
  readonly from: number
  readonly to: number
  /** Why the first request in it failed. */
  readonly error: string
}

export interface RunError {
  readonly code: string
  readonly message: string
  readonly where: string
  readonly remedy: string
}

/** An event with its place in the run. */
export interface RecordedEvent {
  /** From 1, without gaps. */
  readonly seq: number
  /** Unix milliseconds. */
  readonly at: number
  readonly run: string
  readonly event: RunEvent
}

/** True for what ends a run or its way back. */
export const isEnd = ({ kind }: RunEvent): boolean => kind === 'run-ended' || kind === 'run-rolled-back'
