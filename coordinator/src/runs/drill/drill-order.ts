import { systemClock } from '@quorate/shared/clock'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { forecastQuorum } from '@quorate/shared/etcd-quorum'
import { Part } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../../conversion/context/run.js'
import type { ConversionStep } from '../../conversion/context/step.js'
import { readEtcd } from '../../conversion/facts/read-facts.js'
import { untilProved } from '../../conversion/proofs/until-proved.js'
import { type End, endUnled, handOver, inAnyCase } from '../../conversion/undo/hand-over.js'
import { totalOf } from '../../engine/availability.js'
import type { AvailabilityRecord } from '../../engine/events.js'
import type { Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import { dnsTarget, endpointTarget, serviceTarget, writeTarget } from '../availability/targets.js'
import type { Scenario } from './scenarios.js'
import { placesOf, type Watching, watchEndpoint } from './watch-endpoint.js'

export interface DrillTimes {
  /** How long a part stays down. */
  readonly downSeconds: number
  /** After how long its node restarts it by itself. */
  readonly restoreAfterSeconds: number
  /** Stopped as by a fault; else as for maintenance: leadership and traffic are handed over first. */
  readonly abrupt?: boolean
}

interface Under {
  readonly watching: Watching
  readonly stopped: readonly Evidence[]
  readonly restoredAt: number
}

/** A static pod's first start after an abrupt stop, etcd catching up, health checks of the load balancer: a minute; on slow disks two. */
const healthMs = 180_000

/** The evidence of a scenario's gate with the time until the cluster was fully healthy. */
export const fullHealth = 'every proof holds again'

/**
 * A drill is an order whose steps are scenarios: agents stop and restart parts, and the gate is that every proof holds again. What users saw goes
 * to `record`.
 */
export function drillOrder(
  chosen: readonly Scenario[],
  times: DrillTimes,
  record: (seen: AvailabilityRecord) => Promise<void>,
): readonly ConversionStep[] {
  return chosen.map((scenario) => stepOf(scenario, times, record))
}

function stepOf(
  scenario: Scenario,
  times: DrillTimes,
  record: (seen: AvailabilityRecord) => Promise<void>,
): ConversionStep<Under> {
  const { id, title, part } = scenario
  const endWatch = async (watching: Watching): Promise<readonly AvailabilityRecord[]> => {
    const seen = await watching.end()
    for (const one of seen) await record(one)
    return seen
  }
  return {
    id,
    title: `Take down ${title}`,
    gate: 'Every proof of `quorate verify` holds again.',
    undo: 'What was stopped is started; each node also does this by itself after a time.',
    width: 1,
    // Its target depends on the scenarios before it: chosen when it runs.
    plan: async (run) => [
      { id, node: run.first.name, does: `take down ${title} for ${times.downSeconds} s`, diffs: [] },
    ],
    apply: (run, _action, call) => takeDown(run, { scenario, times, call }),
    async verify(run, _action, signal, under) {
      try {
        await untilProved(run, { signal, deadlineMs: healthMs })
        const healthy = { what: fullHealth, saw: `${secondsSince(under.restoredAt)} s after its restart was requested` }
        const seen = await endWatch(under.watching)
        return [...under.stopped, ...seen.map(inWords), healthy]
      } catch (error) {
        await endWatch(under.watching)
        throw await unwell(run, error)
      }
    },
    async rollback(run, _done, call) {
      await Promise.all(
        run.controlPlanes.map((node) => run.agent(node).change('restorePart', { part }, call, 'restore')),
      )
    },
  }
}

const secondsSince = (at: number): string => ((Date.now() - at) / 1000).toFixed(1)

interface TakeDown {
  readonly scenario: Scenario
  readonly times: DrillTimes
  readonly call: ChangeCall
}

async function takeDown(run: ConversionRun, { scenario, times, call }: TakeDown): Promise<Under> {
  const { id, part, isColdStart = false } = scenario
  const targets = await scenario.targets(run)
  const watching = await watchEndpoint(run, { during: id, places: placesOf(run, targets) })
  try {
    const request = { part, restoreAfterSeconds: times.restoreAfterSeconds, withoutQuorum: isColdStart }
    const isAbrupt = times.abrupt === true || isColdStart
    const stopped = await onEach(targets, async (node): Promise<Evidence> => {
      const stop: End = (unlessBack, label) =>
        run
          .agent(node)
          .change('stopPart', { ...request, ...unlessBack, handedOver: !isAbrupt }, call, label)
          .catch(refused)
      const { facts } = isAbrupt ? await stop(inAnyCase, 'stop') : await afterHandOver(run, node, { part, call, stop })
      const at = new Date(Number(facts['stopped_at'])).toISOString()
      return { what: `stopped on ${node.name}`, saw: `${facts['stopped']} at ${at}, for ${times.downSeconds} s` }
    })
    call.progress(`down for ${times.downSeconds} s: ${targets.map(({ name }) => name).join(', ')}`)
    await systemClock.sleep(times.downSeconds * 1000)
    const restoredAt = Date.now()
    await onEach(targets, (node) => run.agent(node).change('restorePart', { part }, call, 'restore'))
    return { watching, stopped, restoredAt }
  } catch (error) {
    await watching.end()
    throw error
  }
}

/** As for maintenance: it hands over leadership, and the Service routes no node to its API server when that stops. */
async function afterHandOver(
  run: ConversionRun,
  node: NodeEntry,
  { part, call, stop }: { part: Part; call: ChangeCall; stop: End },
): Promise<OperationResult> {
  // The load balancer needs no hand-over: keepalived releases its address when it stops.
  if (part === Part.PART_LOAD_BALANCER) return stop(inAnyCase, 'stop')
  const going = { call, onlyJoined: false }
  await handOver(run, node, going)
  return endUnled(run, node, { ...going, end: stop })
}

/** An agent that forecasts a loss of quorum has stopped nothing: the cluster works and needs no operator. */
function refused(thrown: unknown): never {
  const error = asQuorateError(thrown)
  if (error.code !== 'QUORUM_AT_RISK') throw thrown
  const remedy = '`quorate verify` shows which member is not healthy; see docs/runbook.md#drill.'
  const where = error.where === undefined ? {} : { where: error.where }
  throw new QuorateError('STEP_FAILED', error.message, { ...where, remedy, cause: thrown })
}

/** All at once; a failure does not stop the others. */
async function onEach<T>(nodes: readonly NodeEntry[], act: (node: NodeEntry) => Promise<T>): Promise<readonly T[]> {
  const ends = await Promise.allSettled(nodes.map(act))
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason
    return end.value
  })
}

const ways: Readonly<Record<string, string>> = {
  [endpointTarget]: 'reads through the endpoint',
  [writeTarget]: 'writes through the endpoint',
  [serviceTarget]: 'the Service kubernetes as pods use it',
  [dnsTarget]: 'cluster DNS as pods use it',
}

/** What was requested, from where, and what became of it. */
export function inWords(record: AvailabilityRecord): Evidence {
  const { asked, failed, longestGapMs } = totalOf([record])
  const what = `${ways[record.target] ?? record.target}, from ${record.place}`
  return {
    what,
    saw: asked === 0 ? 'could not be observed' : `longest gap ${longestGapMs} ms, ${failed} of ${asked} failed`,
  }
}

/** etcd's quorum decides between a cluster that works and one that needs the operator. */
async function unwell(run: ConversionRun, thrown: unknown): Promise<QuorateError> {
  const error = asQuorateError(thrown)
  const quorum = await readEtcd(run).then(
    ({ members }) => forecastQuorum(members),
    () => undefined,
  )
  const remedy = 'See docs/runbook.md#drill. `quorate verify` shows what is still missing.'
  if (quorum?.holds === true)
    return new QuorateError(error.code, error.message, { ...(error.where ? { where: error.where } : {}), remedy })
  const state =
    quorum === undefined ? 'etcd does not answer' : `${quorum.healthy} of ${quorum.voters} voters are healthy`
  return new QuorateError('QUORUM_AT_RISK', `after the drill ${state}. ${error.message}`, { cause: thrown })
}
