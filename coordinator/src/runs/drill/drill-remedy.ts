import type { RunError } from '../../engine/events.js'

/** A drill is neither resumed nor undone (docs/decisions/0008): what works after any of its errors. */
export const drillRemedy =
  'What was stopped comes back by itself: see docs/runbook.md#drill. `quorate verify` says what is missing still; when it holds, begin anew with `quorate drill`.'

const refused = /`quorate (resume|rollback)\b/

/** An event or an end of a drill; where the remedy of its error is a command that drills refuse, it has the one that works. */
export function withDrillRemedy<T extends object>(it: T & { readonly error?: RunError }): T {
  if (it.error === undefined || !refused.test(it.error.remedy)) return it
  return { ...it, error: { ...it.error, remedy: drillRemedy } }
}
