import type { UntilOptions } from '@quorate/shared/until'

/** How gates wait: at first they look often, because a gate's pause is the conversion's pause; later less, because looking costs the nodes. */
export const patience = (signal: AbortSignal, seconds = 120): UntilOptions => ({
  deadlineMs: seconds * 1_000,
  everyMs: 150,
  longestMs: 1_000,
  signal,
})
