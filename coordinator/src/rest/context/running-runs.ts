import type { StartedRun } from '../../runs/context/session.js'

/** The runs that this process started and waits for before it exits. */
export interface RunningRuns {
  add(run: StartedRun): void
  /** Stops each at a safe place (outcome `interrupted`), and waits for it. */
  stop(): Promise<void>
}

/** `onEnded` follows each; the process does not exit before it has ended too. */
export function runningRuns(onEnded: () => Promise<unknown>): RunningRuns {
  const runs = new Map<StartedRun, Promise<unknown>>()
  return {
    add(run) {
      const ended = run.ended.then(onEnded).finally(() => runs.delete(run))
      ended.catch(() => undefined)
      runs.set(run, ended)
    },
    async stop() {
      for (const run of runs.keys()) run.stop()
      await Promise.allSettled(runs.values())
    },
  }
}
