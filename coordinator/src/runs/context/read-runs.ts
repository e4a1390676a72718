import { asQuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'
import { withSeenNow } from '../../engine/availability.js'
import type { RecordedEvent } from '../../engine/events.js'
import { foldRun, type RunState } from '../../engine/fold.js'
import { runError } from '../../engine/run-error.js'
import { startOf } from '../../engine/run-id.js'
import type { Session } from './session.js'

/** What one run did and is doing; RUN_NOT_FOUND. */
export async function readRun(session: Session, id: RunId): Promise<RunState> {
  const state = { ...foldRun(await session.runs.read(id)), id } // a journal that was cut off before its first event has only its name
  // A run without an end in its journal is running only while a process holds its lease.
  const holder = state.outcome === 'running' ? await session.leases.holder(state.cluster) : undefined
  if (state.outcome !== 'running') return state
  if (holder?.run !== id) return { ...state, outcome: 'abandoned' }
  return { ...state, availability: withSeenNow(state.availability, (await session.seenNow?.read(id)) ?? []) }
}

/** A damaged journal hides no other run: its run is listed with the error. */
function damagedRun(id: RunId, thrown: unknown): RunState {
  const error = asQuorateError(thrown)
  if (error.code !== 'JOURNAL_DAMAGED') throw thrown
  return { ...foldRun([]), id, startedAt: startOf(id), outcome: 'damaged', error: runError(error, '', { runId: id }) }
}

/** All runs of the state folder, newest first; one whose journal is damaged is `damaged`, its error says where. */
export async function listRuns(session: Session): Promise<readonly RunState[]> {
  const ids = await session.runs.list()
  const runs = await Promise.all(ids.map((id) => readRun(session, id).catch((error) => damagedRun(id, error))))
  return runs.sort((a, b) => b.startedAt - a.startedAt)
}

/** A run's events after `after` (0: from the start); ends with the run, or when its coordinator is gone. */
export async function* followRun(
  session: Session,
  id: RunId,
  options: { after: number; signal: AbortSignal },
): AsyncIterable<RecordedEvent> {
  const goesOn = async () => (await readRun(session, id)).outcome === 'running'
  yield* session.runs.follow(id, { ...options, goesOn })
}
