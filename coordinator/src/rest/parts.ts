import type { Session } from '../runs/session.js'
import type { RunningRuns } from './running-runs.js'

/** What the routes work with. */
export interface RestParts {
  readonly session: Session
  readonly running: RunningRuns
  /** Aborted when the server closes: event streams end then. */
  readonly closing: AbortSignal
}
