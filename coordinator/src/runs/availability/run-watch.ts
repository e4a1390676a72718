import { systemClock } from '@quorate/shared/clock'
import { asQuorateError } from '@quorate/shared/errors'
import type { AvailabilityTarget, WatchAvailabilityResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../../conversion/context/run.js'
import { localPeer } from '../../conversion/endpoint/servers.js'
import type { AvailabilityRecord, RunEvent } from '../../engine/events.js'
import type { RunState } from '../../engine/fold.js'
import type { Agent } from '../../fleet/agent.js'
import { overBudget } from './budget.js'
import { StepTally } from './step-tally.js'
import { type FirstServer, isForWorkloads, readWorkloadTargets, targetsOf } from './targets.js'
import { tidyUp } from './tidy-up.js'

export interface RunWatchParts {
  readonly run: ConversionRun
  /** Not the run's own agents: a node that does not answer the watch is not set aside for that. */
  agent(node: NodeEntry): Agent
  /** Writes what was seen into the journal. */
  record(seen: AvailabilityRecord): Promise<unknown>
  /** Called a few times a second with what was seen so far in the present step; with nothing when that is in the journal. */
  notice?(seen: readonly AvailabilityRecord[]): void
  /** Stops the run as the operator would. */
  stop(reason: Error): void
  /** What the journal held before this process. */
  readonly state: RunState
}

/** Watches the API during a run. It never rejects and is awaited only at its end. */
export interface RunWatch {
  /** Called with each event that is in the journal, and the state after it. */
  saw(event: RunEvent, state: RunState): void
  /** Writes what is left, stops all probes and removes what the watch made in the cluster. */
  end(): Promise<void>
  /** Closes the watch without writing: another process owns the journal now. */
  drop(): void
}

const pauseMs = 500

/** Two places, to distinguish a disconnected node from a server that is down: the first control plane and a worker, else a joiner. */
function placesOf({ first, workers, joining }: ConversionRun): readonly NodeEntry[] {
  const other = workers[0] ?? joining[0]
  return other === undefined ? [first] : [first, other]
}

/** The step that an event starts or continues, in either direction. */
const stepOf = (event: RunEvent): string | undefined =>
  event.kind === 'step-started' || event.kind === 'action-continued' || event.kind === 'undo-started'
    ? event.step
    : undefined

/** The watch of a conversion, a resumed run or a rollback, from its first change on. */
export const watchRun = (parts: RunWatchParts): RunWatch => new Watching(parts)

class Watching implements RunWatch {
  readonly #parts: RunWatchParts
  readonly #ended = new AbortController()
  #state: RunState
  /** Read once: after each change of the targets a place is asked again at once, however busy the nodes are. */
  #first: (FirstServer & { readonly caPem: string }) | undefined
  /** What pods use; read once. */
  #workloads: readonly AvailabilityTarget[] = []
  /** Of those, the ones with a good answer: from then on failures count. */
  readonly #good = new Set<string>()
  #tally: StepTally | undefined
  /** One set of targets; aborted when there is another. */
  #round = new AbortController()
  #targets: readonly AvailabilityTarget[] = []
  #loops: readonly Promise<void>[] = []

  constructor(parts: RunWatchParts) {
    this.#parts = parts
    this.#state = parts.state
    parts.notice?.([])
  }

  saw(event: RunEvent, state: RunState): void {
    this.#state = state
    const step = stepOf(event)
    if (step !== undefined && step !== this.#tally?.during) this.#begin(step)
    if (event.kind !== 'progress') this.#aim()
  }

  async end(): Promise<void> {
    const { run, agent } = this.#parts
    this.drop()
    await Promise.all(this.#loops)
    await this.#write()
    this.#parts.notice?.([])
    const mayHaveWritten = this.#loops.length > 0 || this.#parts.state.seq > 0
    if (mayHaveWritten) await tidyUp(run.controlPlanes, agent)
  }

  drop(): void {
    this.#ended.abort()
  }

  #begin(step: string): void {
    void this.#write()
    this.#tally = new StepTally(step)
    this.#expect()
    if (this.#loops.length === 0) this.#loops = [this.#watchFrom(0), this.#watchFrom(1)]
  }

  /** The outage of the present step's approved actions, as far as the operator accepted it. */
  #plannedSeconds(accepted: number): number {
    const step = this.#state.steps.find(({ id }) => id === this.#tally?.during)
    const planned = step?.actions.map(({ action }) => action.outageSeconds ?? 0) ?? []
    return Math.min(
      accepted,
      planned.reduce((sum, seconds) => sum + seconds, 0),
    )
  }

  async #write(): Promise<void> {
    const records = this.#tally?.records(Date.now()) ?? []
    // If the journal cannot be written, the run ends by itself.
    await Promise.all(records.map((seen) => this.#parts.record(seen).catch(() => undefined)))
  }

  /** Follows what the run did: a new set of targets starts a new call, in which each target starts without a gap. */
  #aim(): void {
    if (this.#first === undefined) return
    const targets = [...targetsOf(this.#parts.run, this.#state, this.#first), ...this.#workloads]
    if (JSON.stringify(targets) === JSON.stringify(this.#targets)) return
    this.#targets = targets
    this.#expect()
    const before = this.#round
    this.#round = new AbortController()
    before.abort()
  }

  #expect(): void {
    for (const { name: place } of placesOf(this.#parts.run))
      for (const { name: target } of this.#targetsAt(place)) this.#tally?.expect({ place, target }, Date.now())
  }

  /** Only the first control plane has the credentials for writes; what pods use is probed from a worker, where there is one. */
  #targetsAt(place: string): AvailabilityTarget[] {
    const { first, workers } = this.#parts.run
    const worker = workers[0] ?? first
    return this.#targets
      .filter(({ write }) => !write || place === first.name)
      .filter((target) => !isForWorkloads(target.name) || place === worker.name)
      .map((target) => (isForWorkloads(target.name) ? { ...target, onceGood: !this.#good.has(target.name) } : target))
  }

  /** Until the end, whatever happens to the agent meanwhile; only a fenced coordinator stops. */
  async #watchFrom(index: number): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      const round = this.#round.signal
      const place = placesOf(this.#parts.run)[index]
      if (place === undefined) return
      try {
        await this.#look(place, AbortSignal.any([signal, round]))
      } catch (error) {
        if (!signal.aborted && !round.aborted && asQuorateError(error).code === 'FENCED') return
      }
      this.#tally?.cutOff(place.name)
      if (!round.aborted) await systemClock.sleep(pauseMs, signal).catch(() => undefined)
    }
  }

  async #look(place: NodeEntry, signal: AbortSignal): Promise<void> {
    const { run, agent } = this.#parts
    if (this.#first === undefined) {
      const facts = await run.nodeFacts(run.first)
      this.#workloads = await readWorkloadTargets(run)
      this.#first = { ...localPeer(run.first, facts), caPem: facts.clusterCaPem }
    }
    this.#aim()
    if (signal.aborted) return
    const request = {
      targets: this.#targetsAt(place.name),
      readEveryMs: 50,
      writeEveryMs: 250,
      caPem: this.#first.caPem,
    }
    for await (const message of agent(place).watchAvailability(request, { signal })) {
      if (signal.aborted) return
      this.#take(place.name, message)
    }
  }

  #take(place: string, { atUnixMs, seen }: WatchAvailabilityResponse): void {
    const at = Date.now()
    for (const one of seen) {
      if (one.asked > one.failed) this.#good.add(one.name)
      this.#tally?.add(place, one, { at, ahead: atUnixMs - at })
    }
    this.#parts.notice?.(this.#tally?.records(at) ?? [])
    const { run, stop } = this.#parts
    // A rollback is the repair: stopping it halfway would leave users with neither state.
    if (this.#tally === undefined || this.#state.rollback !== undefined) return
    const error = overBudget(this.#tally, {
      places: placesOf(run).map(({ name }) => name),
      targets: this.#targets.map(({ name }) => name),
      first: run.first.name,
      budgetMs: run.file.policy.availabilityBudgetSeconds * 1000,
      plannedMs: this.#plannedSeconds(run.file.policy.acceptOutageSeconds) * 1000,
    })
    if (error !== undefined) stop(error)
  }
}
