import type { ClusterFacts, PodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, notYet, until } from '@quorate/shared/until'
import { inWords } from '../clients/core-dns.js'
import { leadsSomewhere } from '../clients/kube-proxy.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { readClusterFacts } from '../facts/read-facts.js'
import type { Check } from './check.js'

const id = 'kube-proxy'

/** `update-kube-proxy` rolls its DaemonSet and waits until it is done: one pod that is not ready blocks the rollout. */
export const kubeProxy: Check = {
  id,
  title: "kube-proxy's pods are ready, its DaemonSet is rolled out, and its rules reach the API from every node",
  async check(run) {
    const cluster = await settled(run)
    const { kubeProxyRollout: rollout } = cluster
    if (rollout === undefined || rollout.desired === 0) return []
    const inFile = new Set<string>(run.nodes.map(({ name }) => name))
    const unready = proxies(cluster).filter(({ ready }) => !ready)
    if (unready.length > 0) return unready.map((pod) => ofPod(pod, inFile.has(pod.node)))
    const isDone = rollout.available >= rollout.desired && rollout.observedGeneration >= rollout.generation
    const isUpdated = rollout.updated >= rollout.desired || rollout.updateStrategy === 'OnDelete'
    return isDone && isUpdated ? ledNowhere(run, cluster) : [unfinished(rollout)]
  },
}

const proxies = ({ pods, nodes }: ClusterFacts): readonly PodFacts[] =>
  pods.filter((pod) => pod.app === 'kube-proxy' && !pod.ending && nodes.some(({ name }) => name === pod.node))

/** A pod that is starting is not a fault: checked again for some seconds. */
async function settled(run: ConversionRun): Promise<ClusterFacts> {
  let last = await run.clusterFacts()
  const isSettled = (): boolean => {
    const { desired = 0, available = 0 } = last.kubeProxyRollout ?? {}
    return available >= desired && proxies(last).every(({ ready }) => ready)
  }
  if (isSettled()) return last
  const look = async () => {
    last = await readClusterFacts(run)
    return isSettled() ? holds(last) : notYet('not ready')
  }
  return until('kube-proxy to be ready', look, { deadlineMs: 3_000, everyMs: 500 }).catch(() => last)
}

/** A ready pod may have failed to write its rules. */
async function ledNowhere(run: ConversionRun, cluster: ClusterFacts): Promise<readonly Finding[]> {
  const nodes = run.nodes.filter(({ name }) => proxies(cluster).some((pod) => pod.node === name))
  const found = await Promise.all(
    nodes.map(async (node) => {
      let seen = ''
      const look = async () => {
        const last = await leadsSomewhere(run, node)
        if (!last.holds) seen = last.seen
        return last
      }
      const options = { deadlineMs: 3_000, everyMs: 500 }
      return until('the rules to reach an API server', look, options).then(
        () => [],
        () => [ofRules(node.name, seen)],
      )
    }),
  )
  return found.flat()
}

const ofRules = (node: string, evidence: string): Finding => ({
  id,
  severity: 'error',
  node,
  message:
    "kube-proxy's rules on this node do not reach any API server: pods there cannot use the API, and update-kube-proxy would wait for it until it times out",
  evidence,
  remedy: `kubectl -n kube-system logs --selector k8s-app=kube-proxy --tail 50, of the pod on ${node}; the reason is in its log, or in: nft list ruleset | grep KUBE-SVC`,
})

const ofPod = (pod: PodFacts, inFile: boolean): Finding => ({
  id,
  severity: 'error',
  ...(inFile ? { node: pod.node } : {}),
  message: `kube-proxy of ${pod.node} is not ready: its DaemonSet would not finish the rollout that points it at the endpoint`,
  evidence: inWords(pod),
  remedy: `kubectl -n kube-system describe pod ${pod.name}; kubectl -n kube-system logs ${pod.name}. A Node that is gone for good: kubectl delete node ${pod.node}`,
})

const unfinished = (rollout: NonNullable<ClusterFacts['kubeProxyRollout']>): Finding => ({
  id,
  severity: 'error',
  message: 'the DaemonSet kube-proxy is not rolled out: pods are missing or of an older template',
  evidence: `${rollout.updated} of ${rollout.desired} updated, ${rollout.available} available, generation ${rollout.generation}, observed ${rollout.observedGeneration}`,
  remedy:
    'kubectl -n kube-system rollout status daemonset kube-proxy; kubectl -n kube-system describe daemonset kube-proxy',
})
