import { asQuorateError } from '@quorate/shared/errors'
import {
  type ProbeEndpointResponse,
  type RetireApiServerRequest,
  VerifyMode,
} from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { certificateOf, probeFrom } from '../endpoint/probe.js'
import { clusterNow } from '../facts/read-facts.js'
import { apiServerPort } from '../facts/static-pod-flags.js'

/** A control plane that is about to leave or stop. */
export interface Going {
  readonly call: ChangeCall
  /** Only if this run joined it: an undo must not touch another cluster. */
  readonly onlyJoined: boolean
}

/**
 * Makes a control plane hand over its leadership before any part of it is removed: etcd's to the first that stays, the Leases of controller-manager
 * and scheduler to any candidate. One that cannot leaves all the same, and the cluster elects new leaders after a timeout.
 */
export async function handOver(run: ConversionRun, node: NodeEntry, { call, onlyJoined }: Going): Promise<void> {
  const homes = (await run.etcdTopology()).homes()
  const to = homes.find((home) => home !== node)?.name ?? ''
  await run
    .agent(node)
    .change('handOverLeadership', { to, onlyJoined }, call, 'hand-over')
    .then(({ summary }) => call.progress(summary), orSay(call, 'could not hand over leadership'))
}

/** Rethrows FENCED, ignores a node that this run did not join, and reports every other error as progress. */
export function orSay(call: ChangeCall, what: string): (error: unknown) => void {
  return (error) => {
    const { code, message } = asQuorateError(error)
    if (code === 'FENCED') throw error
    if (code !== 'NOT_JOINED_BY_THIS_RUN') call.progress(`${what}: ${message}`)
  }
}

/** Whether an API server is stopped while the Service may route pods to it, and after which time of its node's clock it may; 0: not known. */
export type UnlessBack = Pick<RetireApiServerRequest, 'unlessInEndpoints' | 'untilUnixMs'>

/** Stops a part by an operation of the agent. */
export type End = (unlessBack: UnlessBack, label: string) => Promise<OperationResult>

/** Whatever the Service does. */
export const inAnyCase: UnlessBack = { unlessInEndpoints: false, untilUnixMs: 0 }

/** Its API server restores its endpoint every ten seconds, and where etcd refuses to forget it each of the others does so too, at its own time. */
const tries = 10
const refusalsAtMost = 3
/** kube-proxy writes its rules at most once a second (iptables.minSyncPeriod); a busy one is several seconds late. */
const heardWithinMs = 3_000
/** Balanced among three, 24 connections miss one of them once in 16,000 probes. */
const connections = 24

/**
 * Stops an API server once it has left the endpoints of default/kubernetes and that Service routes no node to it. One after the other: one that
 * shuts down writes the endpoints from a list of all that it read a moment before, which may put back another that has just left.
 */
export function endUnled(
  run: ConversionRun,
  node: NodeEntry,
  going: Going & { readonly end: End },
): Promise<OperationResult> {
  return run.inProcess.ending(() => endAlone(run, node, going))
}

async function endAlone(
  run: ConversionRun,
  node: NodeEntry,
  going: Going & { readonly end: End },
): Promise<OperationResult> {
  const { call, onlyJoined, end } = going
  const service = await routed(run, node, call.signal)
  let [refusals, untilUnixMs] = [0, 0]
  for (let tried = 1; service !== undefined && tried <= tries; tried++) {
    const asked = { call, service, onlyJoined, label: `leave-endpoints-${tried}` }
    const left = await leave(run, node, asked).catch(orSay(call, 'it could not leave the endpoints'))
    // One that cannot leave them (admission may refuse it) is shut down gracefully all the same; a busy API server is asked again.
    if (left?.became === 'alone' || (left === undefined && ++refusals === refusalsAtMost)) break
    if (left !== undefined) untilUnixMs = left.untilUnixMs || untilUnixMs
    if (left?.became !== 'unled') continue
    const ended = await end({ unlessInEndpoints: true, untilUnixMs }, `retire-${tried}`)
    if (ended.facts['in_endpoints'] !== 'yes') return ended
  }
  return end(inAnyCase, 'retire')
}

/** The Service `kubernetes`, and the nodes that it routes somewhere. */
interface Routed {
  readonly address: string
  readonly port: number
  /** Without those that have no kube-proxy, or a broken one: their silence would prove nothing. */
  readonly askers: readonly NodeEntry[]
}

async function routed(run: ConversionRun, node: NodeEntry, signal: AbortSignal): Promise<Routed | undefined> {
  const { kubernetesService: service } = await run
    .clusterFacts()
    .catch(() => ({ kubernetesService: undefined }) as const)
  if (service === undefined) return undefined
  const others = run.nodes.filter((one) => one !== node)
  const met = await Promise.all(others.map((from) => meets(run, from, { service, signal })))
  return { ...service, askers: others.filter((_, index) => (met[index]?.metSha256.length ?? 0) > 0) }
}

interface Asked {
  readonly call: ChangeCall
  readonly service: Routed
}

interface Left {
  /** `alone` where it is the only endpoint, and stays; `led` where a node is routed to it still, or again. */
  readonly became: 'alone' | 'led' | 'unled'
  /** Of its node's clock: until then it stays out; 0 where that is not known. */
  readonly untilUnixMs: number
}

async function leave(
  run: ConversionRun,
  node: NodeEntry,
  { call, service, onlyJoined, label }: Asked & { readonly onlyJoined: boolean; readonly label: string },
): Promise<Left> {
  const { facts } = await run.agent(node).change('leaveApiEndpoints', { onlyJoined }, call, label)
  const untilUnixMs = Number(facts['stays_out_until'] ?? 0)
  if (facts['alone'] === 'yes') return { became: 'alone', untilUnixMs }
  return untilUnled(run, node, { call, service }).then(
    () => ({ became: 'unled', untilUnixMs }),
    (error: unknown) => {
      orSay(call, 'some nodes were still routed there')(error)
      return { became: 'led', untilUnixMs }
    },
  )
}

/** Waits until every node that the Service routes says that it is not routed to that control plane. */
async function untilUnled(run: ConversionRun, node: NodeEntry, { call, service }: Asked): Promise<void> {
  const { signal } = call
  const port = apiServerPort(await run.nodeFacts(run.first))
  const going = await certificateOf(run, node, { port, signal })
  const { nodes } = await clusterNow(run)
  // A node that left the cluster keeps the rules it had, and one that leaves has no users any more.
  const askers = service.askers.filter(
    (one) => !run.inProcess.leaving.has(one) && nodes.some(({ name }) => name === one.name),
  )
  const look = async (): Promise<Look<true>> => {
    const seen = await Promise.all(
      askers.map(async (from) => {
        const led = stillLed(await meets(run, from, { service, signal }), going)
        return led === undefined ? [] : [`${from.name} ${led}`]
      }),
    )
    const led = seen.flat()
    return led.length === 0 ? holds(true) : notYet(led.join(', '))
  }
  const options = { deadlineMs: heardWithinMs, everyMs: 100, signal }
  await until(`the Service kubernetes to route no node to ${node.name}`, look, options)
}

/** Why a node may be routed there; a connection that met no server may have been meant for that API server. */
function stillLed(met: ProbeEndpointResponse | undefined, going: string): string | undefined {
  if (met === undefined) return 'does not answer'
  if (met.metSha256.includes(going)) return 'still routed there'
  return met.unmet > 0 || met.metSha256.length === 0 ? `reaches nothing on ${met.unmet} of ${connections}` : undefined
}

/** Which API servers a node meets at the Service; undefined if it cannot be asked. */
async function meets(
  run: ConversionRun,
  from: NodeEntry,
  { service, signal }: { readonly service: { readonly address: string; readonly port: number }; signal: AbortSignal },
): Promise<ProbeEndpointResponse | undefined> {
  const { address: host, port } = service
  const probe = { host, port, path: '', verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY, connections, signal }
  return probeFrom(run, from, probe).catch(() => undefined)
}
