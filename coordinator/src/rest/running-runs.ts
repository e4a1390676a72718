import type { StartedRun } from '../runs/session.js'

/** The runs that this process started, so that it does not end under them. */
export interface RunningRuns {
  add(run: StartedRun): void
  /** Lets each come to a safe place (outcome `interrupted`), and waits for it. */
  stop(): Promise<void>
}

export function runningRuns(): RunningRuns {
  const runs = new Set<StartedRun>()
  return {
    add(run) {
      runs.add(run)
      const forget = () => void runs.delete(run)
      run.ended.then(forget, forget)
    },
    async stop() {
      for (const run of runs) run.stop()
      await Promise.allSettled([...runs].map((run) => run.ended))
    },
  }
}
