import type { CliContext } from './context.js'

/** For those who only look: aborted when they are asked to stop, and when nobody reads any more what they see. `unhook` when the look is over. */
export function lookingSignal({ onStop, onClosed }: CliContext): { readonly signal: AbortSignal; unhook(): void } {
  const stop = new AbortController()
  const unhooks = [onStop, onClosed].map((on) => on(() => stop.abort()))
  return {
    signal: stop.signal,
    unhook() {
      for (const unhook of unhooks) unhook()
    },
  }
}

/** Looks until it is asked to stop; undefined where it was stopped meanwhile. */
export async function untilStopped<T>(
  context: CliContext,
  look: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const { signal, unhook } = lookingSignal(context)
  const seen = await look(signal).finally(unhook)
  return signal.aborted ? undefined : seen
}
