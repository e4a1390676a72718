import { asQuorateError } from '@quorate/shared/errors'
import type { ClusterFacts, NodeObject, PodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import type { ChangeCall } from '../fleet/agent.js'
import { clusterNow, readClusterFacts } from './fresh.js'
import { patience } from './gates.js'
import type { ConversionRun } from './run.js'

/** Pods of CoreDNS that are to stay: kubeadm labels them as kube-dns was. */
export const coreDnsPods = (cluster: ClusterFacts): readonly PodFacts[] =>
  cluster.pods.filter((pod) => pod.namespace === 'kube-system' && pod.app === 'kube-dns' && !pod.ending)

/** Nodes with a ready one. */
export const coreDnsNodes = (cluster: ClusterFacts): readonly string[] => [
  ...new Set(
    coreDnsPods(cluster)
      .filter((pod) => pod.ready)
      .map((pod) => pod.node),
  ),
]

/** Old pods beside new ones: on which nodes the new ones end up is not said yet. */
export const coreDnsRolls = (cluster: ClusterFacts): boolean =>
  new Set(coreDnsPods(cluster).map(({ revision }) => revision)).size > 1

/** All pods of CoreDNS on one node: they were placed when there was no other. A single replica cannot be spread. */
export const isHuddled = (cluster: ClusterFacts): boolean =>
  coreDnsPods(cluster).length > 1 && coreDnsNodes(cluster).length === 1

/** The scheduler prefers to spread them and need not: then they are rolled once more. */
const mostRolls = 3

/** Rolls CoreDNS until it is on two nodes or more; after the third roll its gate says what is left. */
export async function spreadCoreDns(run: ConversionRun, seen: ClusterFacts, call: ChangeCall): Promise<void> {
  let cluster = seen
  for (let roll = 1; roll <= mostRolls && isHuddled(cluster); roll++) {
    await roomToSpread(run, coreDnsNodes(cluster), call)
    await run.agent(run.first).change('restartCoreDns', {}, call, `restart-coredns-${roll}`)
    await rolled(run, cluster, call.signal)
    cluster = await readClusterFacts(run)
  }
}

/** Until none of the pods from before is among those that stay, and all of these are ready. */
function rolled(run: ConversionRun, before: ClusterFacts, signal: AbortSignal): Promise<true> {
  const old = new Set(coreDnsPods(before).map(({ name }) => name))
  const look = async (): Promise<Look<true>> => {
    const pods = coreDnsPods(await clusterNow(run))
    const late = pods.filter(({ name, ready }) => old.has(name) || !ready)
    return pods.length > 0 && late.length === 0
      ? holds(true)
      : notYet(`not done: ${late.map(({ name }) => name).join(', ')}`)
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
