import { type Clock, systemClock } from './clock.js'
import { QuorateError } from './errors.js'

export interface UntilOptions {
  readonly deadlineMs: number
  /** Pause before the second look. */
  readonly everyMs: number
  /** Where given, each pause is half as long again as the one before, up to this: a long wait must not starve what it waits for. */
  readonly longestMs?: number
  readonly signal?: AbortSignal
  readonly clock?: Clock
  /** Called each time the condition does not hold yet, with what was seen: progress for the operator. */
  readonly onWaiting?: (seen: string) => void
}

/** What one look at the world gave: the value when the condition holds, else what was seen instead. */
export type Look<T> = { readonly holds: true; readonly value: T } | { readonly holds: false; readonly seen: string }

export const holds = <T>(value: T): Look<T> => ({ holds: true, value })
export const notYet = (seen: string): Look<never> => ({ holds: false, seen })

/**
 * Waits for a condition, never for a time: looks every `everyMs` until it holds or `deadlineMs` is over (GATE_TIMEOUT, with
 * what was last seen). A look that throws counts as not yet, its message as what was seen.
 */
export async function until<T>(what: string, look: () => Promise<Look<T>>, options: UntilOptions): Promise<T> {
  const clock = options.clock ?? systemClock
  const deadline = clock.now() + options.deadlineMs
  for (let pause = options.everyMs; ; pause = Math.min(pause * 1.5, options.longestMs ?? options.everyMs)) {
    options.signal?.throwIfAborted()
    const seen = await look().catch((error: unknown) => notYet(error instanceof Error ? error.message : String(error)))
    if (seen.holds) return seen.value
    if (clock.now() >= deadline) {
      throw new QuorateError(
        'GATE_TIMEOUT',
        `waited ${Math.round(options.deadlineMs / 1000)} s for ${what}; last seen: ${seen.seen}`,
      )
    }
    options.onWaiting?.(seen.seen)
    await clock.sleep(pause, options.signal)
  }
}
