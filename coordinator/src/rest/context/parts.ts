import type { FastifyRequest } from 'fastify'
import type { Session } from '../../runs/context/session.js'
import type { RunningRuns } from './running-runs.js'

/** The dependencies of the routes. */
export interface RestParts {
  readonly session: Session
  readonly running: RunningRuns
  /** Who sends a request; undefined when its token was revoked or expired meanwhile. */
  callerOf(request: FastifyRequest): Promise<unknown>
  /** Aborted when the server closes, which ends event streams. */
  readonly closing: AbortSignal
}
