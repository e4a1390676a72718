import { asQuorateError } from '@quorate/shared/errors'
import { createLog } from '@quorate/shared/log'
import type { RunId } from '@quorate/shared/names'
import { pause } from '@quorate/shared/pause'
import type { RunState } from '../engine/fold.js'
import { clusterFileOf } from './context/cluster-file-of.js'
import { listRuns } from './context/read-runs.js'
import type { Session, StartedRun } from './context/session.js'
import { resumeConversion } from './resume.js'

export interface CatchUpOptions {
  readonly everyMs: number
  readonly signal: AbortSignal
  /** Called for each run that is resumed. */
  onResumed(run: StartedRun): void
}

const log = createLog('quorate-catch-up')

/**
 * Runs what waits for missing nodes as soon as one of them answers: resumes the run that set it aside. Runs that another process holds, or that
 * need the operator first, are left. Ends with the signal; never rejects.
 */
export async function catchUp(session: Session, options: CatchUpOptions): Promise<void> {
  const { everyMs, signal, onResumed } = options
  const refused = new Set<string>()
  while (!signal.aborted) {
    await pause(everyMs, signal)
    if (signal.aborted) return
    const runs = await listRuns(session).catch(() => [])
    for (const run of runs) {
      if (run.outcome !== 'done' || run.missing.length === 0 || refused.has(run.id)) continue
      if (!(await oneIsBack(session, run))) continue
      const resumed = await goOn(session, run, refused)
      if (resumed === undefined) continue
      onResumed(resumed)
      await resumed.ended
    }
  }
}

/** A run that needs a decision of the operator is tried only once. */
async function goOn(session: Session, { id }: RunState, refused: Set<string>): Promise<StartedRun | undefined> {
  try {
    const resumed = await resumeConversion(session, { id: id as RunId })
    log.info('a missing node is back: resuming the run', { run: id })
    return resumed
  } catch (thrown) {
    const { code, message } = asQuorateError(thrown)
    log.warn('a missing node is back, but the run cannot be resumed automatically', { run: id, code, message })
    if (code !== 'CLUSTER_HELD' && code !== 'AGENT_UNREACHABLE') refused.add(id)
    return undefined
  }
}

async function oneIsBack(session: Session, run: RunState): Promise<boolean> {
  const fleet = session.connect()
  try {
    const nodes = clusterFileOf(run).workers.filter(({ name }) => run.missing.some(({ node }) => node === name))
    const answers = await Promise.all(
      nodes.map((node) =>
        fleet
          .agent(node)
          .read('getNodeFacts', {}, { deadlineMs: 5_000 })
          .then(
            () => true,
            () => false,
          ),
      ),
    )
    return answers.includes(true)
  } finally {
    fleet.close()
  }
}

// Does not keep a process alive that has nothing else to do.
