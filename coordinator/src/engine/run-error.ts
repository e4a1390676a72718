import type { QuorateError } from '@quorate/shared/errors'
import type { RunError } from './events.js'

interface Said {
  readonly message: string
  readonly remedy: string
}

/** Adds to what an error says what the words of other programs in it mean. */
export type Explain = (said: Said) => Said

/** An error as the journal keeps it, explained; where its remedy names `RUN`, this run is the one that is meant. */
export function runError(
  error: QuorateError,
  where: string,
  { runId, explain = (said) => said }: { readonly runId: string; readonly explain?: Explain },
): RunError {
  const { message, remedy } = explain({ message: error.message, remedy: error.remedy })
  return { code: error.code, message, where: error.where ?? where, remedy: remedy.replaceAll(/\bRUN\b/g, runId) }
}
