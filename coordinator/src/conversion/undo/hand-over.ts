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

/** A control plane that is about to go. */
export interface Going {
  readonly call: ChangeCall
  /** Only if this run joined it: what is undone must not touch another cluster. */
  readonly onlyJoined: boolean
}

/**
 * Has a control plane give away what it leads, before anything of it is taken away: etcd to the first that stays, the Leases of controller-manager and
 * scheduler to whom takes them. One that cannot goes all the same, and the cluster has to miss it first.
 */
export async function handOver(run: ConversionRun, node: NodeEntry, { call, onlyJoined }: Going): Promise<void> {
  const homes = (await run.etcdTopology()).homes()
  const to = homes.find((home) => home !== node)?.name ?? ''
  await run
    .agent(node)
    .change('handOverLeadership', { to, onlyJoined }, call, 'hand-over')
    .then(({ summary }) => call.progress(summary), orSay(call, 'could not hand over leadership'))
}

/** One that was replaced ends, one that is not ours is left alone in silence; all else is said. */
export function orSay(call: ChangeCall, what: string): (error: unknown) => void {
  return (error) => {
    const { code, message } = asQuorateError(error)
    if (code === 'FENCED') throw error
    if (code !== 'NOT_JOINED_BY_THIS_RUN') call.progress(`${what}: ${message}`)
  }
}

/** Ends something by an operation of the agent; where `unlessInEndpoints`, not while pods may be led there. */
export type End = (unlessInEndpoints: boolean, label: string) => Promise<OperationResult>

/** Each API server puts all of them back every ten seconds at a time of its own: of three one leaves more than three seconds. */
const tries = 6
/** kube-proxy writes its rules at most once a second (iptables.minSyncPeriod). */
const heardWithinMs = 3_000
/** Balanced among three, 24 connections miss one of them once in 16,000 looks. */
const connections = 24

/** Ends an API server when it is out of the endpoints of default/kubernetes and no node is led to it by that Service any more. */
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
    // One that cannot leave them (admission may refuse it) is ended gently all the same.
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

/** Until from no node a connection to the Service is met by that control plane; what was not seen in time is said, and waited for no longer. */
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
    return names.length === 0 ? holds(true) : notYet(`${names.join(', ')} still led there`)
  }
  const options = { deadlineMs: heardWithinMs, everyMs: 100, signal: call.signal }
  await until(`no node to be led to ${node.name} by the Service kubernetes`, look, options).catch(
    orSay(call, 'some nodes were still routed there'),
  )
}

/** A node that is led nowhere (no kube-proxy there, or it is away) is not led to that one. */
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
