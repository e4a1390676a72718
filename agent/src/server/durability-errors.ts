import { QuorateError } from '@quorate/shared/errors'
import type { OperationHeader } from '@quorate/shared/gen/quorate/v1/operation'
import { diskRemedy, isSystemError } from './system-error.js'

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** An operation without an end in the ledger, of which nothing runs any more. */
export const unknownOutcome = (operationId: string): QuorateError =>
  new QuorateError(
    'OPERATION_UNKNOWN_OUTCOME',
    `operation ${operationId} started before this agent was restarted, and its end was not recorded`,
  )

/** The disk refused the intent, so nothing was started. */
export function intentNotWritten(method: string, error: unknown): unknown {
  if (!isSystemError(error)) return error
  return new QuorateError(
    'SYSTEM_REFUSED',
    `the agent cannot write its ledger, so ${method} was not started: ${words(error)}`,
    { remedy: diskRemedy(error), cause: error },
  )
}

/** The disk refused the end: the operation ended, but its end may only be reported once it would survive a power cut. */
export function endNotWritten(operationId: string, error: unknown): QuorateError {
  return new QuorateError(
    'OPERATION_UNKNOWN_OUTCOME',
    `operation ${operationId} finished, but the agent cannot record that in its ledger: ${words(error)}`,
    { ...(isSystemError(error) ? { remedy: diskRemedy(error) } : {}), cause: error },
  )
}

/** It is no longer known which operations of such a run were done. */
export const longOver = ({ operationId, runId }: OperationHeader): QuorateError =>
  new QuorateError(
    'OPERATION_UNKNOWN_OUTCOME',
    `operation ${operationId} belongs to run ${runId}, which is so old that the ledger of this agent no longer holds its operations`,
    { remedy: 'Do not resume that run. Plan a new one with `quorate plan`: it reads the current state.' },
  )

export const stopping = (): QuorateError =>
  new QuorateError('NODE_BUSY', 'the agent is stopping', {
    remedy: 'Try again when the agent runs: `systemctl status quorate-agent` on that node.',
  })
