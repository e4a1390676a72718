import { isEnd, type RecordedEvent } from '@quorate/coordinator/engine/events'

/** Where the time of a run went, milliseconds. */
export interface RunTime {
  readonly totalMs: number
  /** At least one operation was under way on a node. */
  readonly operationsMs: number
  /** Nothing but reads was: proofs, plans, gates; by the step that waited for it. */
  readonly aloneMs: ReadonlyMap<string, number>
}

/**
 * What gates cost is what the run waits for them alone: a gate that is watched while another node's operation runs costs nothing. From the
 * first event to the run's first end: what was done after a resume is no part of it.
 */
export function gatesAlone(events: readonly RecordedEvent[]): RunTime {
  const [first] = events
  const running = new Set<string>()
  const aloneMs = new Map<string, number>()
  let [last, operationsMs] = [first?.at ?? 0, 0]
  for (const { at, event } of events) {
    // The watch writes whenever it has something, and belongs to no step.
    if (event.kind !== 'availability') {
      const step = 'step' in event ? event.step : isEnd(event) ? 'the end' : 'the begin'
      if (running.size > 0) operationsMs += at - last
      else aloneMs.set(step, (aloneMs.get(step) ?? 0) + at - last)
      last = at
    }
    if (event.kind === 'operation-sent') running.add(event.operationId)
    if (event.kind === 'operation-done' || event.kind === 'operation-failed') running.delete(event.operationId)
    if (isEnd(event)) break
  }
  return { totalMs: last - (first?.at ?? 0), operationsMs, aloneMs }
}
