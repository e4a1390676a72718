import type { DaemonSetFacts, PodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet } from '@quorate/shared/until'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import { acceptedFinding, acceptedFindings, wasSoBefore } from '../context/accepted.js'
import type { ConversionRun } from '../context/run.js'
import { probeFrom, problemOf, readyStatuses } from '../endpoint/probe.js'
import { endpointServer } from '../endpoint/servers.js'
import { existingNodes } from '../facts/membership.js'
import { clusterNow } from '../facts/read-facts.js'
import { connectedTo } from './connected.js'

/**
 * Whether every kube-proxy pod is newer than the last restart of its DaemonSet and connected to `server` (the endpoint). Readiness proves nothing:
 * a kube-proxy that is cut off stays Ready with its old rules.
 */
export async function kubeProxyRolledOut(
  run: ConversionRun,
  signal: AbortSignal,
  server = endpointServer(run),
): Promise<Look<readonly Evidence[]>> {
  const { kubeProxyRollout: rollout, pods, nodes: known } = await clusterNow(run)
  if (rollout === undefined) return holds([{ what: 'DaemonSet kube-proxy', saw: 'not installed' }])
  // Calico's page on its eBPF data plane tells operators to set a nodeSelector that no node has.
  if (rollout.desired === 0) return holds([{ what: 'DaemonSet kube-proxy', saw: 'runs on no node' }])
  if (run.absence.missing().length > 0 || replacesPods(run, rollout))
    return presentOnesConnected(run, { pods, desired: rollout.desired }, { server, signal })
  const { generation, observedGeneration, desired, updated, available } = rollout
  const seen = `${updated} of ${desired} updated, ${available} available`
  if (observedGeneration < generation || updated < desired || available < desired) return notYet(seen)
  // A pod whose Node was deleted does not count: it is listed for another minute, until the second pass of the garbage collector.
  const proxies = pods.filter((pod) => isProxy(pod) && known.some(({ name }) => name === pod.node))
  const restartedAt = rollout.restartedAt === '' ? 0 : Date.parse(rollout.restartedAt)
  const old = proxies.filter((pod) => pod.startedUnixMs < restartedAt)
  if (old.length > 0) return notYet(`${seen}; older than the change: ${old.map((pod) => pod.name).join(', ')}`)
  const nodes = run.nodes.filter((node) => proxies.some((pod) => pod.node === node.name))
  const rolled = {
    what: 'DaemonSet kube-proxy',
    saw: `${seen}, each pod newer than ${rollout.restartedAt || 'its first start'}`,
  }
  return allConnected(run, nodes, { rolled, server, signal })
}

/** Whether the pods are replaced one by one: the DaemonSet does not roll out by itself, or a broken pod would block its rollout. */
export const replacesPods = (run: ConversionRun, rollout: DaemonSetFacts | undefined): boolean =>
  rollout?.updateStrategy === 'OnDelete' || acceptedFinding(run, 'kube-proxy') !== undefined

/**
 * The DaemonSet counts the missing node, so each of the others is verified by itself. What was broken before is reported and not waited for,
 * whatever its state now: a pod that crashes is ready at times.
 */
async function presentOnesConnected(
  run: ConversionRun,
  { pods, desired }: { pods: readonly PodFacts[]; desired: number },
  how: { server: string; signal: AbortSignal },
): Promise<Look<readonly Evidence[]>> {
  const accepted = acceptedFindings(run, 'kube-proxy')
  const isBroken = ({ name }: NodeEntry): boolean => accepted.some(({ node }) => node === name)
  const existing = await existingNodes(run)
  const proxies = pods.filter(isProxy)
  const has = ({ name }: NodeEntry): boolean => proxies.some(({ node }) => node === name)
  // A node that the DaemonSet does not select has no pod; nor has one whose pod was missing before.
  const mayLack =
    accepted.some(({ node }) => node === undefined) || new Set(proxies.map(({ node }) => node)).size >= desired
  const nodes = existing.filter((node) => !isBroken(node) && (has(node) || !mayLack))
  const without = nodes.filter(({ name }) => !proxies.some((pod) => pod.node === name && pod.ready))
  if (without.length > 0) return notYet(`no pod is ready on ${without.map(({ name }) => name).join(', ')}`)
  const unasked = [
    ...run.absence.missing().map(({ node }) => node),
    ...existing.filter(isBroken).map(({ name }) => name),
  ]
  const rolled = {
    what: 'kube-proxy pods',
    saw: `ready on ${nodes.length} nodes; not checked: ${unasked.join(', ') || 'none'}`,
  }
  const connected = await allConnected(run, nodes, { rolled, ...how })
  return connected.holds ? holds([...connected.value, ...accepted.map(wasSoBefore)]) : connected
}

/** One connection may reach an API server that is down at this moment. */
const tries = 4

const isProxy = (pod: PodFacts): boolean => pod.app === 'kube-proxy'

async function allConnected(
  run: ConversionRun,
  nodes: readonly NodeEntry[],
  { rolled, server, signal }: { rolled: Evidence; server: string; signal: AbortSignal },
): Promise<Look<readonly Evidence[]>> {
  const connected = await Promise.all(
    nodes.map((node) => connectedTo(run, node, { process: 'kube-proxy', server, signal })),
  )
  const evidence = [rolled]
  const led = await Promise.all(nodes.map((node) => leadsSomewhere(run, node, signal)))
  for (const look of [...connected, ...led]) {
    if (!look.holds) return look
    evidence.push(look.value)
  }
  return holds(evidence)
}

/** New and connected pods prove nothing about the rules: a connection to the Service `kubernetes` from the node does. */
export async function leadsSomewhere(
  run: ConversionRun,
  node: NodeEntry,
  signal?: AbortSignal,
): Promise<Look<Evidence>> {
  const what = `Service kubernetes from ${node.name}`
  const { kubernetesService } = await run.clusterFacts()
  if (kubernetesService === undefined) return holds({ what, saw: 'not installed' })
  const { address: host, port } = kubernetesService
  const [statuses, answer] = await Promise.all([
    readyStatuses(run),
    probeFrom(run, node, { host, port, connections: tries, ...(signal === undefined ? {} : { signal }) }),
  ])
  const problem = problemOf(answer, statuses)
  return problem === undefined
    ? holds({ what, saw: `HTTP ${answer.httpStatus} at ${host}:${port}` })
    : notYet(`${what} (${host}:${port}): ${problem}`)
}
