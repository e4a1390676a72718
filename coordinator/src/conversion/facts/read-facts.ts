import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type {
  ClusterFacts,
  ContainerFacts,
  NodeFacts,
  Reference,
  SocketFacts,
} from '@quorate/shared/gen/quorate/v1/facts'
import type { GetClusterFactsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { EtcdFacts } from '../context/etcd-facts.js'
import type { ConversionRun } from '../context/run.js'

/** Facts read now, not remembered: for gates, which never trust what was seen before. */
export async function readNodeFacts(run: ConversionRun, node: NodeEntry, signal?: AbortSignal): Promise<NodeFacts> {
  const asked = Date.now()
  const answer = await run.agent(node).read('getNodeFacts', {}, readOptions(signal))
  const facts = required(answer.facts, node)
  readings.set(facts, { asked, answered: Date.now() })
  return facts
}

/** Between which two moments of our clock the node made its answer; Unix milliseconds. */
export interface FactReading {
  readonly asked: number
  readonly answered: number
}
const readings = new WeakMap<NodeFacts, FactReading>()

/** When these facts were read; undefined for facts that were not read here. */
export const readingOf = (facts: NodeFacts): FactReading | undefined => readings.get(facts)

/** What the cluster says of itself; from the first control plane that answers. */
export function readClusterFacts(run: ConversionRun, signal?: AbortSignal): Promise<ClusterFacts> {
  return clusterFactsWith(run, {}, signal)
}

/** Every mention of these names and addresses in the API: asked for apart, because it reads every ConfigMap and workload of the cluster. */
export async function readReferences(run: ConversionRun, find: readonly string[]): Promise<readonly Reference[]> {
  return (await clusterFactsWith(run, { find: [...find] })).references
}

/** Roles by which a token may join and that are absent: asked for apart, because no gate needs them. */
export async function readMissingJoinRights(run: ConversionRun): Promise<readonly string[]> {
  return (await clusterFactsWith(run, { joinRights: true })).missingJoinRights
}

/** The Service for clients outside; undefined where there is none: asked for apart, because only one kind of load balancer has it. */
export async function readApiService(run: ConversionRun, signal?: AbortSignal): Promise<ClusterFacts['apiService']> {
  return (await clusterFactsWith(run, { apiService: true }, signal)).apiService
}

/** What every look has, and beside it what is asked for. */
function clusterFactsWith(
  run: ConversionRun,
  more: Partial<GetClusterFactsRequest>,
  signal?: AbortSignal,
): Promise<ClusterFacts> {
  const request = { find: [], joinRights: false, apiService: false, ...more }
  return askAControlPlane(run, async (node) => {
    const { facts } = await run.agent(node).read('getClusterFacts', request, readOptions(signal))
    return required(facts, node)
  })
}

/** etcd's member list with each member's own word, from the first control plane that answers. */
export function readEtcd(run: ConversionRun, signal?: AbortSignal): Promise<EtcdFacts> {
  return askAControlPlane(run, (node) =>
    run.agent(node).read('listEtcdMembers', { authentication: false }, readOptions(signal)),
  )
}

/** Whether etcd authenticates its clients, and if Quorate's client has the role root there: asked separately, because the question goes through raft. */
export async function readEtcdAuthentication(
  run: ConversionRun,
): Promise<{ readonly authentication: string; readonly clientName: string }> {
  return askAControlPlane(run, (node) => run.agent(node).read('listEtcdMembers', { authentication: true }))
}

/**
 * Running containers of a static pod on a node, by CRI. Others may run an etcd or an API server of their own in a pod: the name of a static pod ends with its
 * node's.
 */
export async function runningContainers(
  run: ConversionRun,
  node: NodeEntry,
  name: string,
  signal?: AbortSignal,
): Promise<ContainerFacts[]> {
  const { containers } = await run.agent(node).read('listContainers', { names: [name] }, readOptions(signal))
  return containers.filter(
    (one) =>
      one.name === name &&
      one.state.toLowerCase().endsWith('running') &&
      one.namespace === 'kube-system' &&
      one.pod.startsWith(`${name}-`),
  )
}

/** Established connections of one process, by the name that the kernel gives it. */
export async function socketsOf(
  run: ConversionRun,
  node: NodeEntry,
  process: string,
  signal?: AbortSignal,
): Promise<SocketFacts[]> {
  const { sockets } = await run.agent(node).read('listSockets', {}, readOptions(signal))
  return sockets.filter((socket) => socket.process === process)
}

/**
 * Facts of the cluster that began to be read at most 200 ms ago. Gates of many nodes poll at once: they share one look instead of
 * each asking the same API server the same thing.
 */
export function clusterNow(run: ConversionRun): Promise<ClusterFacts> {
  const last = run.inProcess.clusterReading
  if (last !== undefined && Date.now() - last.startedAt <= 200) return last.facts
  const reading = { startedAt: Date.now(), facts: readClusterFacts(run) }
  run.inProcess.clusterReading = reading
  return reading.facts
}

/** Asks the first control plane; when its agent does not answer, one that joined can say the same. */
async function askAControlPlane<T>(run: ConversionRun, ask: (node: NodeEntry) => Promise<T>): Promise<T> {
  try {
    return await ask(run.first)
  } catch (error) {
    if (asQuorateError(error).code !== 'AGENT_UNREACHABLE') throw error
    for (const node of run.joining) {
      const answer = await ask(node).catch(() => undefined)
      if (answer !== undefined) return answer
    }
    throw error
  }
}

const readOptions = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal })

function required<T>(facts: T | undefined, node: NodeEntry): T {
  if (facts === undefined)
    throw new QuorateError('AGENT_ANSWER_REFUSED', 'the agent answered without facts', { where: node.name })
  return facts
}
