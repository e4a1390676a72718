import { coreDnsLabel } from '@quorate/shared/core-dns-labels'
import { asQuorateError } from '@quorate/shared/errors'
import type { ClusterFacts, NodeObject, PodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { patience } from '../facts/patience.js'
import { clusterNow } from '../facts/read-facts.js'

/** CoreDNS pods that are not terminating: kubeadm gives them the label of kube-dns. */
export const coreDnsPods = (cluster: ClusterFacts): readonly PodFacts[] => podsLabelled(cluster, coreDnsLabel.serving)

/** Pods that an interrupted move left outside of their Service. */
export const leavingDnsPods = (cluster: ClusterFacts): readonly PodFacts[] =>
  podsLabelled(cluster, coreDnsLabel.leaving)

const podsLabelled = (cluster: ClusterFacts, app: string): readonly PodFacts[] =>
  cluster.pods.filter((pod) => pod.namespace === 'kube-system' && pod.app === app && !pod.ending)

const nodesOf = (pods: readonly PodFacts[]): readonly string[] => [
  ...new Set(pods.map(({ node }) => node).filter((node) => node !== '')),
]

/** Nodes with a ready CoreDNS pod. */
export const coreDnsNodes = (cluster: ClusterFacts): readonly string[] =>
  nodesOf(coreDnsPods(cluster).filter((pod) => pod.ready))

/** Old pods beside new ones: the nodes of the new ones are not final yet. */
export const coreDnsRolls = (cluster: ClusterFacts): boolean =>
  new Set(coreDnsPods(cluster).map(({ revision }) => revision)).size > 1

/** Every wanted pod is on a node, ready or not. */
const isPlaced = (cluster: ClusterFacts): boolean => {
  const pods = coreDnsPods(cluster)
  const wanted = cluster.coreDns?.replicas ?? pods.length
  return !coreDnsRolls(cluster) && pods.length >= wanted && pods.every(({ node }) => node !== '')
}

/**
 * All CoreDNS pods are on one node: they were scheduled when there was no other. Readiness does not count: it changes by itself. A single
 * replica cannot be spread.
 */
export const isHuddled = (cluster: ClusterFacts): boolean =>
  coreDnsPods(cluster).length > 1 && isPlaced(cluster) && nodesOf(coreDnsPods(cluster)).length === 1

/** Whether spreading may be needed: the nodes of the pods are not known while they are scheduled or rolled out. */
export const mayHuddle = (cluster: ClusterFacts): boolean =>
  coreDnsPods(cluster).length > 1 && (isHuddled(cluster) || !isPlaced(cluster))

/** Why CoreDNS is not ready on two nodes; undefined where it is, or where it has fewer pods. */
export function coreDnsShortcoming(cluster: ClusterFacts): string | undefined {
  const [pods, nodes] = [coreDnsPods(cluster), coreDnsNodes(cluster)]
  if (coreDnsRolls(cluster)) return `CoreDNS rollout in progress, ready on ${nodes.join(', ') || 'no node'}`
  const wanted = cluster.coreDns?.replicas ?? pods.length
  if (nodes.length >= Math.min(wanted, 2)) return undefined
  const waiting = pods.filter(({ ready }) => !ready).map(inWords)
  return [`CoreDNS is ready on ${nodes.join(', ') || 'no node'}${nodes.length === 0 ? '' : ' only'}`, ...waiting].join(
    '; ',
  )
}

/** A pod that is not ready, and why. */
export const inWords = ({ name, node, waitsFor }: PodFacts): string =>
  `${name} on ${node || 'no node'}${waitsFor === '' ? '' : `: ${waitsFor}`}`

/** The evidence of gate and proof when CoreDNS is ready. */
export function coreDnsEvidence(cluster: ClusterFacts): Evidence {
  const nodes = coreDnsNodes(cluster)
  if (coreDnsPods(cluster).length === 0) return { what: 'CoreDNS', saw: 'not installed' }
  return { what: 'CoreDNS is ready on', saw: nodes.join(', ') }
}

/** The scheduler prefers to spread pods but does not have to: then another one is moved. */
const mostMoves = 3

/** Moves a pod of CoreDNS until it is on two nodes or more; after the third one the gate reports what is missing. */
export async function spreadCoreDns(run: ConversionRun, call: ChangeCall): Promise<void> {
  for (let move = 1; move <= mostMoves; move++) {
    const cluster = await placed(run, call)
    // Without a Deployment there is nothing to move; a paused one replaces no pod by restarting it. The plan reported it.
    if (!isHuddled(cluster) || cluster.coreDns === undefined || cluster.coreDns.paused) return
    await roomToSpread(run, nodesOf(coreDnsPods(cluster)), call)
    await run.agent(run.first).change('spreadCoreDns', { onlyLeaving: false }, call, `spread-coredns-${move}`)
  }
}

/** Deletes what an interrupted move left. */
export async function endLeavingDnsPods(run: ConversionRun, call: ChangeCall): Promise<void> {
  if (leavingDnsPods(await clusterNow(run)).length === 0) return
  await run.agent(run.first).change('spreadCoreDns', { onlyLeaving: true }, call, 'end-leaving-coredns')
}

/** The cluster once every CoreDNS pod is on a node; where that takes too long, as it is: the gate reports it. */
async function placed(run: ConversionRun, { signal, progress }: ChangeCall): Promise<ClusterFacts> {
  let last: ClusterFacts | undefined
  const look = async (): Promise<Look<ClusterFacts>> => {
    last = await clusterNow(run)
    return isPlaced(last) ? holds(last) : notYet('some pods are on no node yet, or old ones are terminating')
  }
  const onWaiting = (seen: string) => progress(`waiting for the CoreDNS pods to be scheduled: ${seen}`)
  return until('the CoreDNS pods to be scheduled', look, { ...patience(signal, 60), onWaiting }).catch(
    (error: unknown) => {
      if (last === undefined || asQuorateError(error).code !== 'GATE_TIMEOUT') throw error
      return last
    },
  )
}

/**
 * A joiner's Node becomes schedulable some seconds after its API server serves: it is Ready, and a moment later its not-ready taint is gone.
 * Where none does (cordoned, for example) a pod is moved all the same, and the gate reports it.
 */
async function roomToSpread(
  run: ConversionRun,
  taken: readonly string[],
  { signal, progress }: ChangeCall,
): Promise<void> {
  const free = async (): Promise<Look<true>> => {
    const others = (await clusterNow(run)).nodes.filter((node) => takesPods(node) && !taken.includes(node.name))
    return others.length > 0 ? holds(true) : notYet(`none is schedulable besides ${taken.join(', ')}`)
  }
  const onWaiting = (seen: string) => progress(`waiting for another Node for CoreDNS: ${seen}`)
  await until('another schedulable Node', free, { ...patience(signal, 60), onWaiting }).catch((error: unknown) => {
    if (asQuorateError(error).code !== 'GATE_TIMEOUT') throw error
  })
}

/** Only Kubernetes' own taints count (not-ready, unreachable, unschedulable, pressure): CoreDNS may tolerate those of operators. */
const takesPods = ({ ready, taints }: NodeObject): boolean =>
  ready && !taints.some((taint) => taint.startsWith('node.kubernetes.io/'))
