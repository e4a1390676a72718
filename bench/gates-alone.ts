import { isEnd, type RecordedEvent } from '@quorate/coordinator/engine/events'

/** How a run spent its time, milliseconds. */
export interface RunTime {
  readonly totalMs: number
  /** At least one operation ran on a node. */
  readonly operationsMs: number
  /** Only reads ran: proofs, plans, gates; by the step that waited for them. */
  readonly aloneMs: ReadonlyMap<string, number>
}

/**
 * Gates cost only the time in which the run waits for them alone: a gate during another node's operation costs nothing. From the
 * first event to the run's first end: work after a resume does not count.
 */
export function gatesAlone(events: readonly RecordedEvent[]): RunTime {
  const [first] = events
  const running = new Set<string>()
  const aloneMs = new Map<string, number>()
  let [last, operationsMs] = [first?.at ?? 0, 0]
  for (const { at, event } of events) {
    // The watch writes at any time, and belongs to no step.
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
