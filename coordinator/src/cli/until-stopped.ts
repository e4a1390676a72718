import type { CliContext } from './context.js'

/** Looks until it is asked to stop; undefined where it was stopped meanwhile. */
export async function untilStopped<T>(
  { onStop }: CliContext,
  look: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const stop = new AbortController()
  const unhook = onStop(() => stop.abort())
  const seen = await look(stop.signal).finally(unhook)
  return stop.signal.aborted ? undefined : seen
}
