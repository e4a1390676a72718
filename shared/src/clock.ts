/** Time as the waiting code sees it; tests inject their own. */
export interface Clock {
  /** Unix time in milliseconds. */
  now(): number
  /** Resolves after `ms`, rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const done = () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }
      const timer = setTimeout(done, ms)
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', stop, { once: true })
    }),
}

/** RFC 3339 in UTC, to the millisecond. */
export const rfc3339 = (unixMs: number): string => new Date(unixMs).toISOString()
