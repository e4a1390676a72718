import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
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
    }
  | {
      readonly kind: 'step-started'
      readonly step: string
      readonly title: string
      readonly actions: readonly Action[]
    }
  | { readonly kind: 'step-skipped'; readonly step: string; readonly title: string }
  | { readonly kind: 'action-started'; readonly step: string; readonly action: Action }
  | {
      readonly kind: 'operation-sent'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly operationId: string
      readonly label: string
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
      readonly result: OperationResult
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
  | { readonly kind: 'action-undone'; readonly step: string; readonly action: string; readonly node: string }
  | {
      readonly kind: 'undo-failed'
      readonly step: string
      readonly action: string
      readonly node: string
      readonly error: RunError
    }
  | { readonly kind: 'step-done'; readonly step: string }
  | { readonly kind: 'run-ended'; readonly outcome: 'done' | 'failed' | 'interrupted'; readonly error?: RunError }

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
