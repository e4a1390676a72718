import type { RunError } from '../../engine/events.js'

/** A drill is neither resumed nor undone (docs/decisions/0008): the remedy for all its errors. */
export const drillRemedy =
  'What was stopped restarts by itself: see docs/runbook.md#drill. `quorate verify` shows what is still missing; when it succeeds, run `quorate drill` again.'

const refused = /`quorate (resume|rollback)\b/

/** An event or the end of a drill; a remedy with a command that drills refuse is replaced by one that works. */
export function withDrillRemedy<T extends object>(it: T & { readonly error?: RunError }): T {
  if (it.error === undefined || !refused.test(it.error.remedy)) return it
  return { ...it, error: { ...it.error, remedy: drillRemedy } }
}
