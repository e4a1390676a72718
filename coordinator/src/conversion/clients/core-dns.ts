import { asQuorateError } from '@quorate/shared/errors'
import type { ClusterFacts, NodeObject, PodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { Evidence } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'
import { patience } from '../facts/patience.js'
import { clusterNow } from '../facts/read-facts.js'

/** Pods of CoreDNS that are to stay: kubeadm labels them as kube-dns was. */
export const coreDnsPods = (cluster: ClusterFacts): readonly PodFacts[] =>
  cluster.pods.filter((pod) => pod.namespace === 'kube-system' && pod.app === 'kube-dns' && !pod.ending)

const nodesOf = (pods: readonly PodFacts[]): readonly string[] => [
  ...new Set(pods.map(({ node }) => node).filter((node) => node !== '')),
]

/** Nodes with a ready one. */
export const coreDnsNodes = (cluster: ClusterFacts): readonly string[] =>
  nodesOf(coreDnsPods(cluster).filter((pod) => pod.ready))

/** Old pods beside new ones: on which nodes the new ones end up is not said yet. */
export const coreDnsRolls = (cluster: ClusterFacts): boolean =>
  new Set(coreDnsPods(cluster).map(({ revision }) => revision)).size > 1

/** Every pod that there shall be is on a node, ready or not. */
const isPlaced = (cluster: ClusterFacts): boolean => {
  const pods = coreDnsPods(cluster)
  const wanted = cluster.coreDns?.replicas ?? pods.length
  return !coreDnsRolls(cluster) && pods.length >= wanted && pods.every(({ node }) => node !== '')
}

/**
 * All pods of CoreDNS are on one node: they were placed when there was no other. Where they are is judged and not whether they are ready: that
 * changes by itself. A single replica cannot be spread.
 */
export const isHuddled = (cluster: ClusterFacts): boolean =>
  coreDnsPods(cluster).length > 1 && isPlaced(cluster) && nodesOf(coreDnsPods(cluster)).length === 1

/** Whether something may be left to spread: on which nodes its pods will be is not known while they are placed or rolled. */
export const mayHuddle = (cluster: ClusterFacts): boolean =>
  coreDnsPods(cluster).length > 1 && (isHuddled(cluster) || !isPlaced(cluster))

/** Why CoreDNS is not ready on two nodes; undefined where it is, or where there is nothing of it that could be. */
export function coreDnsShortcoming(cluster: ClusterFacts): string | undefined {
  const [pods, nodes] = [coreDnsPods(cluster), coreDnsNodes(cluster)]
  if (coreDnsRolls(cluster)) return `CoreDNS is being rolled, ready on ${nodes.join(', ') || 'no node'}`
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

/** What its gate and its proof see when it is as it should be. */
export function coreDnsEvidence(cluster: ClusterFacts): Evidence {
  const nodes = coreDnsNodes(cluster)
  if (coreDnsPods(cluster).length === 0) return { what: 'CoreDNS', saw: 'not installed' }
  return { what: 'CoreDNS is ready on', saw: nodes.join(', ') }
}

/** The scheduler prefers to spread them and need not: then they are rolled once more. */
const mostRolls = 3

/** Rolls CoreDNS until it is on two nodes or more; after the third roll its gate says what is left. */
export async function spreadCoreDns(run: ConversionRun, call: ChangeCall): Promise<void> {
  for (let roll = 1; roll <= mostRolls; roll++) {
    const cluster = await placed(run, call)
    // Without its Deployment there is nothing to roll; one that is paused does not go on. The plan said so.
    if (!isHuddled(cluster) || cluster.coreDns === undefined || cluster.coreDns.paused) return
    await roomToSpread(run, nodesOf(coreDnsPods(cluster)), call)
    await run.agent(run.first).change('restartCoreDns', {}, call, `restart-coredns-${roll}`)
    await rolled(run, cluster, call.signal)
  }
}

/** The cluster once every pod of CoreDNS is on a node; as it is where that takes too long, for the gate to tell. */
async function placed(run: ConversionRun, { signal, progress }: ChangeCall): Promise<ClusterFacts> {
  let last: ClusterFacts | undefined
  const look = async (): Promise<Look<ClusterFacts>> => {
    last = await clusterNow(run)
    return isPlaced(last) ? holds(last) : notYet('some of its pods are on no node yet, or old ones go')
  }
  const onWaiting = (seen: string) => progress(`waiting for CoreDNS to be placed: ${seen}`)
  return until('the pods of CoreDNS to be on nodes', look, { ...patience(signal, 60), onWaiting }).catch(
    (error: unknown) => {
      if (last === undefined || asQuorateError(error).code !== 'GATE_TIMEOUT') throw error
      return last
    },
  )
}

/** Until none of the pods from before is among those that stay. The Deployment lets them go when new ones are ready. */
function rolled(run: ConversionRun, before: ClusterFacts, signal: AbortSignal): Promise<true> {
  const old = new Set(coreDnsPods(before).map(({ name }) => name))
  const look = async (): Promise<Look<true>> => {
    const pods = coreDnsPods(await clusterNow(run))
    const late = pods.filter(({ name }) => old.has(name))
    if (pods.length > 0 && late.length === 0) return holds(true)
    return notYet([...late.map(({ name }) => name), ...pods.filter(({ ready }) => !ready).map(inWords)].join('; '))
  }
  return until('the new pods of CoreDNS', look, patience(signal, 180))
}

/**
 * The scheduler keeps new pods away from the old ones: with one other Node that takes pods both would go there. A joiner's Node does some seconds after
 * its API server serves: it is Ready, and a moment later the taint of one that is not is gone. Where none does (cordoned for long, say) the
 * pods are rolled all the same, and the gate tells.
 */
async function roomToSpread(
  run: ConversionRun,
  taken: readonly string[],
  { signal, progress }: ChangeCall,
): Promise<void> {
  const free = async (): Promise<Look<true>> => {
    const others = (await clusterNow(run)).nodes.filter((node) => takesPods(node) && !taken.includes(node.name))
    return others.length >= 2 ? holds(true) : notYet(`Ready beside ${taken.join(', ')}: ${others.length}`)
  }
  const onWaiting = (seen: string) => progress(`waiting for two other Nodes for CoreDNS. ${seen}`)
  await until('two other Nodes to take pods', free, { ...patience(signal, 60), onWaiting }).catch((error: unknown) => {
    if (asQuorateError(error).code !== 'GATE_TIMEOUT') throw error
  })
}

/** Kubernetes' own taints say what keeps pods away: not-ready, unreachable, unschedulable, pressure. Those of people CoreDNS may tolerate. */
const takesPods = ({ ready, taints }: NodeObject): boolean =>
  ready && !taints.some((taint) => taint.startsWith('node.kubernetes.io/'))
