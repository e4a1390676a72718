import { setTimeout } from 'node:timers/promises'

/** Waits until the time is over or the signal comes, whichever is first; never rejects, and keeps no process alive. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined)
