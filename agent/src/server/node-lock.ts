import { QuorateError } from '@quorate/shared/errors'

/** One change at a time on this node, in the order of the requests. */
export class NodeLock {
  private holder: string | undefined
  private readonly waiting: { readonly what: string; readonly grant: () => void }[] = []

  /** Resolves with the release function; NODE_BUSY after `waitMs`; the signal's reason if it is aborted meanwhile. */
  async take(what: string, waitMs: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.holder !== undefined) await this.turn(what, waitMs, signal)
    this.holder = what
    return () => this.pass()
  }

  private turn(what: string, waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (reason: unknown): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        this.waiting.splice(this.waiting.indexOf(waiter), 1)
        reject(reason)
      }
      const stop = (): void => leave(signal.reason)
      const timer = setTimeout(
        () =>
          leave(
            new QuorateError(
              'NODE_BUSY',
              `${this.holder} has been running on this node for longer than ${waitMs / 1000} s`,
            ),
          ),
        waitMs,
      )
      const waiter = {
        what,
        grant: () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', stop)
          resolve()
        },
      }
      signal.addEventListener('abort', stop, { once: true })
      this.waiting.push(waiter)
    })
  }

  /** Passed on without a gap, so that a new request cannot overtake a waiting one. */
  private pass(): void {
    const next = this.waiting.shift()
    this.holder = next?.what
    next?.grant()
  }
}
