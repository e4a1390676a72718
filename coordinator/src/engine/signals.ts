import { setMaxListeners } from 'node:events'

/** A signal that never aborts. Calls to a thousand nodes may listen to one: that is no leak. */
export function neverAborted(): AbortSignal {
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  return signal
}
