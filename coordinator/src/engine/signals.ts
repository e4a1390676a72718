import { setMaxListeners } from 'node:events'

/** A signal that never aborts. A thousand nodes may be asked under one: the listeners are no leak. */
export function neverAborted(): AbortSignal {
  const { signal } = new AbortController()
  setMaxListeners(0, signal)
  return signal
}
