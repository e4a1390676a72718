import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { AvailabilityTarget, WatchAvailabilityResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { AvailabilityRecord } from '../../engine/events.js'
import type { ConversionRun } from '../run.js'
import { clusterCa } from '../wanted.js'

/** What users see of the endpoint, from several places at once, until it is ended. */
export interface Watching {
  /** One record for each place and kind of request. */
  end(): Promise<readonly AvailabilityRecord[]>
}

const answerMs = 10_000

/**
 * Where it is asked from: a worker and a control plane that stays up, as far as there are; never a node that is taken down, whose programs
 * would see its own load balancer die. A control plane writes too: a worker has no credentials for it.
 */
export function placesOf(run: ConversionRun, targets: readonly NodeEntry[]): readonly NodeEntry[] {
  const staying = run.controlPlanes.filter((node) => !targets.includes(node))
  const [worker, ...others] = run.workers
  const places = [worker, staying[0], ...others, ...staying.slice(1)].filter((node) => node !== undefined).slice(0, 2)
  // A cold start of a cluster without workers: the agents stay up.
  return places.length > 0 ? places : run.controlPlanes.slice(0, 2)
}

/** Begins to watch; resolves when every place has seen a good answer, so that a gap is the drill's and not that of a beginning. */
export async function watchEndpoint(
  run: ConversionRun,
  { during, places }: { readonly during: string; readonly places: readonly NodeEntry[] },
): Promise<Watching> {
  const caPem = await clusterCa(run)
  const watches = places.map((place) => new PlaceWatch(run, { place, during, caPem }))
  const end = async () => (await Promise.all(watches.map((watch) => watch.end()))).flat()
  try {
    await Promise.all(watches.map((watch) => watch.begun(answerMs)))
    return { end }
  } catch (error) {
    await end()
    throw error
  }
}

interface PlaceParts {
  readonly place: NodeEntry
  readonly during: string
  readonly caPem: string
}

type Mutable = { -readonly [K in keyof AvailabilityRecord]: AvailabilityRecord[K] }

class PlaceWatch {
  readonly #place: NodeEntry
  readonly #records: readonly Mutable[]
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #problem: QuorateError | undefined

  constructor(run: ConversionRun, { place, during, caPem }: PlaceParts) {
    this.#place = place
    const names = run.controlPlanes.includes(place) ? ['endpoint', 'write'] : ['endpoint']
    const now = Date.now()
    const none = { asked: 0, failed: 0, longestGapMs: 0, outages: [] }
    this.#records = names.map((target) => ({ during, place: place.name, target, from: now, to: now, ...none }))
    this.#ended = this.#follow(run, { names, caPem }).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#problem = asQuorateError(error, place.name)
    })
  }

  async #follow(run: ConversionRun, { names, caPem }: { names: readonly string[]; caPem: string }): Promise<void> {
    const { host, port } = run.endpoint
    const targets = names.map(
      (name): AvailabilityTarget => ({ name, host, port, serverName: host, write: name === 'write' }),
    )
    const request = { targets, readEveryMs: 0, writeEveryMs: 0, caPem }
    for await (const seen of run.agent(this.#place).watchAvailability(request, { signal: this.#stop.signal }))
      this.#add(seen)
  }

  #add({ atUnixMs, seen }: WatchAvailabilityResponse): void {
    for (const { name, asked, failed, longestGapMs, outages, openGapMs } of seen) {
      const record = this.#records.find(({ target }) => target === name)
      if (record === undefined) continue
      record.to = atUnixMs
      record.asked += asked
      record.failed += failed
      record.longestGapMs = Math.max(record.longestGapMs, longestGapMs, openGapMs)
      const ended = outages.map(({ fromUnixMs, toUnixMs, error }) => ({ from: fromUnixMs, to: toUnixMs, error }))
      record.outages = [...record.outages, ...ended]
    }
  }

  async begun(withinMs: number): Promise<void> {
    const isGood = () => this.#records.every(({ asked, failed }) => asked > failed)
    for (const deadline = Date.now() + withinMs; !isGood(); ) {
      if (this.#problem !== undefined) throw this.#problem
      if (Date.now() > deadline)
        throw new QuorateError('GATE_TIMEOUT', 'the endpoint gives no good answer here: nothing was stopped', {
          where: this.#place.name,
        })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** What was seen; a watch that broke off says so by what it asked: nothing is better than a gap that nobody saw. */
  async end(): Promise<readonly AvailabilityRecord[]> {
    // The node says what it saw four times a second.
    if (this.#problem === undefined) await new Promise((resolve) => setTimeout(resolve, 500))
    this.#stop.abort()
    await this.#ended
    return this.#problem === undefined ? this.#records : this.#records.map((one) => ({ ...one, asked: 0 }))
  }
}
