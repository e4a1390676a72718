import { asQuorateError } from '@quorate/shared/errors'
import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
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

/** Stops a part by an operation of the agent; with `unlessInEndpoints`, not while the Service may route pods to it. */
export type End = (unlessInEndpoints: boolean, label: string) => Promise<OperationResult>

/** Each API server restores all endpoints every ten seconds, at its own time: with three of them, one gap is longer than three seconds. */
const tries = 6
/** kube-proxy writes its rules at most once a second (iptables.minSyncPeriod). */
const heardWithinMs = 3_000
/** Balanced among three, 24 connections miss one of them once in 16,000 probes. */
const connections = 24

/** Stops an API server once it has left the endpoints of default/kubernetes and that Service routes no node to it. */
export async function endUnled(
  run: ConversionRun,
  node: NodeEntry,
  going: Going & { readonly end: End },
): Promise<OperationResult> {
  const { call, onlyJoined, end } = going
  const service = await run.clusterFacts().then(
    ({ kubernetesService }) => kubernetesService,
    () => undefined,
  )
  for (let tried = 1; service !== undefined && tried <= tries; tried++) {
    const asked = { call, service, onlyJoined, label: `leave-endpoints-${tried}` }
    // One that cannot leave them (admission may refuse it) is shut down gracefully all the same.
    if ((await leave(run, node, asked).catch(orSay(call, 'it could not leave the endpoints'))) !== true) break
    const ended = await end(true, `retire-${tried}`)
    if (ended.facts['in_endpoints'] !== 'yes') return ended
  }
  return end(false, 'retire')
}

interface Asked {
  readonly call: ChangeCall
  readonly service: { readonly address: string; readonly port: number }
}

/** False where it is the only endpoint, and stays. */
async function leave(
  run: ConversionRun,
  node: NodeEntry,
  { call, service, onlyJoined, label }: Asked & { readonly onlyJoined: boolean; readonly label: string },
): Promise<boolean> {
  const { facts } = await run.agent(node).change('leaveApiEndpoints', { onlyJoined }, call, label)
  if (facts['alone'] === 'yes') return false
  await untilUnled(run, node, { call, service })
  return true
}

/** Waits until no node reaches that control plane through the Service; a timeout is reported and does not fail. */
async function untilUnled(run: ConversionRun, node: NodeEntry, { call, service }: Asked): Promise<void> {
  const port = apiServerPort(await run.nodeFacts(run.first))
  const going = await certificateOf(run, node, { port, signal: call.signal })
  // Nodes that left the cluster keep the rules they had.
  const { nodes } = await clusterNow(run)
  const askers = run.nodes.filter((one) => one !== node && nodes.some(({ name }) => name === one.name))
  const look = async (): Promise<Look<true>> => {
    const led = await Promise.all(
      askers.map(async (from) => ((await isLed(run, from, { service, going })) ? [from.name] : [])),
    )
    const names = led.flat()
    return names.length === 0 ? holds(true) : notYet(`${names.join(', ')} still routed there`)
  }
  const options = { deadlineMs: heardWithinMs, everyMs: 100, signal: call.signal }
  await until(`the Service kubernetes to route no node to ${node.name}`, look, options).catch(
    orSay(call, 'some nodes were still routed there'),
  )
}

/** A node that reaches no API server (no kube-proxy there, or it is down) is not routed to that one. */
async function isLed(
  run: ConversionRun,
  from: NodeEntry,
  { service, going }: Pick<Asked, 'service'> & { readonly going: string },
): Promise<boolean> {
  const probe = {
    host: service.address,
    port: service.port,
    path: '',
    verify: VerifyMode.VERIFY_MODE_CHAIN_ONLY,
    connections,
  }
  const { metSha256 } = await probeFrom(run, from, probe).catch(() => ({ metSha256: [] as string[] }))
  return metSha256.includes(going)
}
