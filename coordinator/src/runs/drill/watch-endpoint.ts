import { systemClock } from '@quorate/shared/clock'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { AvailabilityTarget } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../../conversion/context/run.js'
import { clusterCa } from '../../conversion/endpoint/servers.js'
import type { AvailabilityRecord } from '../../engine/events.js'
import { StepTally } from '../availability/step-tally.js'
import { endpointTarget, isForWorkloads, readWorkloadTargets, writeTarget } from '../availability/targets.js'

/** What users see of the endpoint, from several places at once, until it is ended. */
export interface Watching {
  /** One record for each place and kind of request. */
  end(): Promise<readonly AvailabilityRecord[]>
}

const firstAnswerMs = 10_000
/** The node reports four times a second. */
const lastWordMs = 500

/**
 * Where the watch runs: on a worker and a control plane that stays up, if there are any; never on a node that is taken down, where its own load
 * balancer stops. A control plane writes too: a worker has no credentials for it.
 */
export function placesOf(run: ConversionRun, targets: readonly NodeEntry[]): readonly NodeEntry[] {
  const staying = run.controlPlanes.filter((node) => !targets.includes(node))
  const [worker, ...others] = run.workers
  const places = [worker, staying[0], ...others, ...staying.slice(1)].filter((node) => node !== undefined).slice(0, 2)
  // A cold start of a cluster without workers: the agents stay up.
  return places.length > 0 ? places : run.controlPlanes.slice(0, 2)
}

/**
 * Starts the watch; resolves when every place has had a good answer of each target, so that a gap belongs to the drill and not to the start.
 * Separate from the watch of a conversion, which follows what that conversion has made so far and stops it when users are affected.
 */
export async function watchEndpoint(
  run: ConversionRun,
  { during, places }: { readonly during: string; readonly places: readonly NodeEntry[] },
): Promise<Watching> {
  const caPem = await clusterCa(run)
  // Whether they are reachable from here is unknown: failures count after the first good answer.
  const workloads = (await readWorkloadTargets(run)).map((target) => ({ ...target, onceGood: true }))
  const tally = new StepTally(during)
  const stop = new AbortController()
  let problem: QuorateError | undefined
  const follow = async (place: NodeEntry): Promise<void> => {
    const forPods = run.workers.includes(place) ? workloads : []
    const targets = targetsAt(run, place)
    for (const { name: target } of targets) tally.expect({ place: place.name, target }, Date.now())
    const request = { targets: [...targets, ...forPods], readEveryMs: 0, writeEveryMs: 0, caPem }
    for await (const { atUnixMs, seen } of run.agent(place).watchAvailability(request, { signal: stop.signal })) {
      const at = Date.now()
      for (const one of seen) tally.add(place.name, one, { at, ahead: atUnixMs - at })
    }
  }
  const ended = places.map((place) =>
    follow(place).catch((error: unknown) => {
      if (!stop.signal.aborted) problem = asQuorateError(error, place.name)
    }),
  )
  const end = async (): Promise<readonly AvailabilityRecord[]> => {
    await systemClock.sleep(lastWordMs)
    stop.abort()
    await Promise.all(ended)
    for (const { name } of places) tally.cutOff(name)
    return tally.records(Date.now())
  }
  await untilGood(tally, () => problem).catch(async (error: unknown) => {
    await end()
    throw error
  })
  return { end }
}

/** Until every place has had a good answer of each target; throws what a place could not do, or GATE_TIMEOUT. */
async function untilGood(tally: StepTally, problem: () => QuorateError | undefined): Promise<void> {
  const isGood = () =>
    tally
      .records(Date.now() + firstAnswerMs)
      .every(({ target, asked, failed }) => asked > failed || (isForWorkloads(target) && asked === 0))
  for (const deadline = Date.now() + firstAnswerMs; !isGood() || problem() !== undefined; await systemClock.sleep(50)) {
    if (problem() === undefined && Date.now() <= deadline) continue
    throw problem() ?? new QuorateError('GATE_TIMEOUT', 'the endpoint does not answer: nothing was stopped')
  }
}

function targetsAt(run: ConversionRun, place: NodeEntry): AvailabilityTarget[] {
  const { host, port } = run.endpoint
  const names = run.controlPlanes.includes(place) ? [endpointTarget, writeTarget] : [endpointTarget]
  return names.map((name) => ({ name, host, port, serverName: host, write: name === writeTarget, everyMs: 0 }))
}
