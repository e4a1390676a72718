import type { SignedApproval } from '@quorate/shared/approval'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { RecordedFinding } from './recorded-finding.js'
import type { Action, Evidence } from './step.js'

/** One event of a run, for the journal, the terminal, the event stream and the report. It never contains a secret. */
export type RunEvent =
  | {
      readonly kind: 'run-started'
      readonly cluster: string
      readonly planHash: string
      readonly fencingToken: number
      readonly version: string
      /** Text of the cluster file, so that the journal is self-contained. */
      readonly clusterFile: string
      readonly steps: readonly { readonly id: string; readonly title: string; readonly actions: readonly Action[] }[]
      /** Findings that the operator chose to ignore, with the reasons. */
      readonly ignored: Readonly<Record<string, string>>
      /** Set where the order is not the usual one. */
      readonly purpose?: string
      /** All findings of the checks, the worst first; journals of older versions lack it. */
      readonly findings?: readonly RecordedFinding[]
      readonly startedBy?: string
      /** Of the plan, as they were signed; absent where none was needed. */
      readonly approvals?: readonly SignedApproval[]
    }
  | {
      /** Another process took the run over; `steps` has what it continues with. */
      readonly kind: 'run-resumed'
      readonly planHash: string
      readonly fencingToken: number
      readonly version: string
      /** What remains to be done, planned from facts read now. */
      readonly steps: readonly { readonly id: string; readonly title: string; readonly actions: readonly Action[] }[]
      /** Differences from the approved plan that the operator accepted. */
      readonly differences: readonly string[]
    }
  | {
      readonly kind: 'step-started'
      readonly step: string
      readonly title: string
      readonly actions: readonly Action[]
      /** Its preconditions, verified again just before. */
      readonly proofs?: readonly Evidence[]
    }
  | { readonly kind: 'step-skipped'; readonly step: string; readonly title: string }
  | { readonly kind: 'action-started'; readonly step: string; readonly action: Action }
  /** Finishes an action that was started earlier: the outcome of its operations is queried, they are not sent again. */
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
      /** Its node does not answer: the rest of it is done when the node is back. */
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
      /** What was seen after the undo. */
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
  /** The node does not answer and the run continues without it: from here on all its actions wait. */
  | { readonly kind: 'node-missing'; readonly node: string; readonly message: string }
  /** All that waited for the node is done. */
  | { readonly kind: 'node-back'; readonly node: string }
  /** A snapshot before the first change and at the end, with its fields beside these two: for the report. */
  | { readonly kind: 'cluster-seen'; readonly when: 'before' | 'after' }
  | ({ readonly kind: 'availability' } & AvailabilityRecord)
  | { readonly kind: 'run-ended'; readonly outcome: 'done' | 'failed' | 'interrupted'; readonly error?: RunError }
  | {
      /** The rollback starts, or continues after a crash. */
      readonly kind: 'rollback-started'
      readonly fencingToken: number
      readonly version: string
      /** Only a part is rolled back, as the order's own package defines. */
      readonly keepEndpoint: boolean
      readonly startedBy?: string
      /** Of the rollback; absent where none was needed, or an earlier one continues. */
      readonly approvals?: readonly SignedApproval[]
    }
  | { readonly kind: 'run-rolled-back'; readonly outcome: 'done' | 'failed' | 'interrupted'; readonly error?: RunError }

/** What one node saw of one server during one step. */
export interface AvailabilityRecord {
  /** Id of the step. */
  readonly during: string
  /** The probing node. */
  readonly place: string
  /** The target, by the name that the watch gives it. */
  readonly target: string
  /** Unix milliseconds. */
  readonly from: number
  readonly to: number
  /** 0: it could not be watched. */
  readonly asked: number
  readonly failed: number
  /** The longest time between two good answers. */
  readonly longestGapMs: number
  /** How long the probing machine itself was stalled, which counts in no gap; absent where it was not. */
  readonly stalledMs?: number | undefined
  readonly outages: readonly Outage[]
}

/** A gap with at least one failed answer in it. */
export interface Outage {
  /** Unix milliseconds: the last good answer before it, the first one after it; for one request that failed while younger ones were answered, when it was asked. */
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

/** True for the end of a run or of its rollback. */
export const isEnd = ({ kind }: RunEvent): boolean => kind === 'run-ended' || kind === 'run-rolled-back'
