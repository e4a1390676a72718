import type { CliContext } from './context.js'

/** For commands that only read: aborted on a stop signal and when the output is closed. Call `unhook` afterwards. */
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

/** Runs a read until a stop signal; undefined if it was stopped. */
export async function untilStopped<T>(
  context: CliContext,
  look: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const { signal, unhook } = lookingSignal(context)
  const seen = await look(signal).finally(unhook)
  return signal.aborted ? undefined : seen
}
