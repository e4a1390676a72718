import type { QuorateError } from '@quorate/shared/errors'
import type { RunError } from './events.js'

interface Said {
  readonly message: string
  readonly remedy: string
}

/** Adds to an error the meaning of other programs' messages in it. */
export type Explain = (said: Said) => Said

/** An error for the journal, explained; `RUN` in its remedy is replaced by this run's id. */
export function runError(
  error: QuorateError,
  where: string,
  { runId, explain = (said) => said }: { readonly runId: string; readonly explain?: Explain },
): RunError {
  const { message, remedy } = explain({ message: error.message, remedy: error.remedy })
  return { code: error.code, message, where: error.where ?? where, remedy: remedy.replaceAll(/\bRUN\b/g, runId) }
}
