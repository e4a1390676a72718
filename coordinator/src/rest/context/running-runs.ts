import type { StartedRun } from '../../runs/session.js'

/** The runs that this process started and waits for before it exits. */
export interface RunningRuns {
  add(run: StartedRun): void
  /** Stops each at a safe place (outcome `interrupted`), and waits for it. */
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
