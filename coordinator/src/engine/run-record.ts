import { type Absence, isMissing } from './absence.js'
import type { RunEvent } from './events.js'
import { type ActionRecord, applyEvent, doneOf, type RunState, recordOf, type SentOperation } from './fold.js'
import type { DoneAction } from './step.js'

/** The journal during a run: every event is folded as it is written, so that the past of the run is read in one place. */
export class RunRecord {
  #state: RunState
  readonly #write: (event: RunEvent) => Promise<void>

  /** `state`: what the journal holds so far; `write` resolves when an event is on disk. */
  constructor(state: RunState, write: (event: RunEvent) => Promise<void>) {
    this.#state = state
    this.#write = write
  }

  get state(): RunState {
    return this.#state
  }

  /** Resolves when the event is on disk. */
  emit(event: RunEvent): Promise<void> {
    const { id, seq } = this.#state
    this.#state = applyEvent(this.#state, { seq: seq + 1, at: Date.now(), run: id, event })
    return this.#write(event)
  }

  /** Records the nodes that went missing since the last call. */
  async noteMissing(absence: Absence): Promise<void> {
    for (const { node, message } of absence.missing()) {
      if (!this.#state.missing.some((known) => known.node === node))
        await this.emit({ kind: 'node-missing', node, message })
    }
  }

  /** Records the nodes that are back: all that waited for them is done. */
  async noteBack(absence: Absence): Promise<void> {
    for (const { node } of this.#state.missing)
      if (!isMissing(absence, node)) await this.emit({ kind: 'node-back', node })
  }

  /** For lines that are not awaited: if the journal cannot be written, the next awaited event rejects. */
  note(event: RunEvent): void {
    void this.emit(event).catch(() => undefined)
  }

  action(step: string, action: string): ActionRecord | undefined {
    return recordOf(this.#state, step, action)
  }

  /** What an action did and what is not undone yet. */
  done(step: string, action: DoneAction['action']): DoneAction {
    const record = this.action(step, action.id)
    return record === undefined ? { action, results: [] } : doneOf(record)
  }

  /** Every operation of that label on that node, including those of earlier attempts; the latest last. */
  sent(place: { step: string; action: string; node: string; label: string }): readonly SentOperation[] {
    const all = this.action(place.step, place.action)?.sent ?? []
    return all.filter(({ node, label }) => node === place.node && label === place.label)
  }
}
