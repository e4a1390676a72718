import type { ClusterFacts, PodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { holds, notYet, until } from '@quorate/shared/until'
import { coreDnsPods, coreDnsRolls, inWords, isHuddled } from '../clients/core-dns.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { roomForCoreDns } from '../facts/core-dns-room.js'
import { toJoin } from '../facts/membership.js'
import { readClusterFacts } from '../facts/read-facts.js'
import type { Check } from './check.js'

const id = 'coredns'
const deployment = 'kubectl -n kube-system get deployment coredns'

/** `finish` spreads CoreDNS over the control planes that joined, and its gate and proof see it ready on two nodes. */
export const coredns: Check = {
  id,
  title: 'CoreDNS is ready and can run on two nodes',
  async check(run) {
    const cluster = await settled(run)
    const { coreDns } = cluster
    const pods = coreDnsPods(cluster)
    if (coreDns === undefined) return withoutDeployment(cluster)
    if (coreDns.replicas === 0) return [absent('deployment/kube-system/coredns has 0 replicas')]
    const joining = await toJoin(run)
    const room = roomForCoreDns(cluster, joining)
    return [
      ...(coreDns.paused && isHuddled(cluster) ? [paused] : []),
      ...(coreDns.replicas === 1 ? [single(pods.map(({ node }) => node))] : []),
      ...(coreDns.replicas > 1 && room.length < 2 ? [noRoom(cluster, room)] : []),
      ...unready(cluster, { hasRoomSoon: joining.some(({ name }) => room.includes(name)) }),
    ]
  },
}

/** What a pod needs from its start until the kubelet finds it ready: its probe asks every 10 s, and a slow disk delays the image. */
const startMs = 60_000
const young = ({ startedUnixMs }: PodFacts): boolean => Math.abs(Date.now() - startedUnixMs) < 120_000

/** A pod that is starting is not a fault: checked again for some seconds, and for as long as a start takes if it has just begun. */
async function settled(run: ConversionRun): Promise<ClusterFacts> {
  let last = await run.clusterFacts()
  const isSettled = (): boolean => coreDnsPods(last).every(({ ready }) => ready) && !coreDnsRolls(last)
  if (isSettled()) return last
  const look = async () => {
    last = await readClusterFacts(run)
    return isSettled() ? holds(last) : notYet('not ready')
  }
  const deadlineMs = coreDnsPods(last).some((pod) => !pod.ready && young(pod)) ? startMs : 3_000
  return until('CoreDNS to be ready', look, { deadlineMs, everyMs: 500 }).catch(() => last)
}

const absent = (evidence: string): Finding => ({
  id,
  severity: 'info',
  message: 'the cluster does not use the CoreDNS of kubeadm: the run does not spread the DNS pods that replace it',
  evidence,
  remedy: 'After the conversion, run the cluster DNS on two nodes or more.',
})

function withoutDeployment(cluster: ClusterFacts): Finding[] {
  const pods = coreDnsPods(cluster)
  const evidence = `no deployment/kube-system/coredns; pods with k8s-app=kube-dns: ${pods.map(({ name }) => name).join(', ') || 'none'}`
  if (pods.length === 0) return [absent(evidence)]
  if (!isHuddled(cluster)) return unready(cluster, { hasRoomSoon: false })
  return [
    {
      id,
      severity: 'error',
      message: 'all DNS pods run on one node, and no Deployment coredns manages them: Quorate cannot spread them',
      evidence,
      remedy:
        'Configure the controller of these pods to spread them over two nodes; with one node only, accept it with ignoreFindings.',
    },
  ]
}

const paused: Finding = {
  id,
  severity: 'error',
  message: 'the Deployment of CoreDNS is paused: all its pods run on one node and cannot be spread',
  evidence: 'deployment/kube-system/coredns: spec.paused: true',
  remedy: 'kubectl -n kube-system rollout resume deployment coredns',
}

const single = (nodes: readonly string[]): Finding => ({
  id,
  severity: 'warning',
  message: 'CoreDNS has one replica: if its node fails, name resolution fails',
  evidence: `deployment/kube-system/coredns: replicas: 1, on ${nodes.join(', ') || 'no node'}`,
  remedy: 'kubectl -n kube-system scale deployment coredns --replicas 2',
})

function noRoom({ coreDns }: ClusterFacts, room: readonly string[]): Finding {
  const selector = Object.entries(coreDns?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`)
  return {
    id,
    severity: 'error',
    message: `CoreDNS cannot run on two nodes: even after the joins only ${room.join(', ') || 'no node'} accepts its pods`,
    evidence: `nodeSelector ${selector.join(', ') || 'none'}; tolerations ${coreDns?.tolerations.join(', ') || 'none'}`,
    remedy:
      'kubectl -n kube-system edit deployment coredns: let nodeSelector fit two nodes, and tolerate node-role.kubernetes.io/control-plane as kubeadm does. Or kubectl uncordon a node.',
  }
}

function unready(cluster: ClusterFacts, { hasRoomSoon }: { hasRoomSoon: boolean }): Finding[] {
  const pods = coreDnsPods(cluster)
  const wanted = cluster.coreDns?.replicas ?? pods.length
  // A pending pod gets a node when control planes join.
  const faulty = pods.filter(({ ready, node }) => !ready && !(node === '' && hasRoomSoon))
  if (pods.length > 0 && faulty.length === 0) return []
  const evidence = pods.length === 0 ? `0 pods of ${wanted}` : faulty.map(inWords).join('; ')
  return [
    {
      id,
      severity: 'error',
      message: `CoreDNS is not ready: ${pods.length - faulty.length} of ${wanted} pods are, and no step of the run changes that`,
      evidence,
      remedy: `${deployment}; kubectl -n kube-system logs -l k8s-app=kube-dns; kubectl -n kube-system describe pods -l k8s-app=kube-dns. A frequent cause is a node whose /etc/resolv.conf names no server, or itself.`,
    },
  ]
}
