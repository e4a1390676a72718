import { coreDnsNodes, coreDnsPods, coreDnsRolls, coreDnsShortcoming, isHuddled } from '../clients/core-dns.js'
import type { Proof } from '../context/proof.js'
import { notProved, resultOf } from './not-proved.js'

const id = 'coredns'

const beingRolled = (nodes: readonly string[]) => ({
  message: 'CoreDNS is rolling out: the nodes of its new pods are not known yet',
  evidence: `old and new pods, ready on ${nodes.join(', ') || 'no node'}`,
  remedy: 'Wait for it: kubectl -n kube-system rollout status deployment coredns',
})

const notReady = (evidence: string) => ({
  message: 'CoreDNS is not ready on two nodes: name resolution fails with one of them, or does not work at all',
  evidence,
  remedy: 'kubectl -n kube-system describe pods -l k8s-app=kube-dns; kubectl -n kube-system logs -l k8s-app=kube-dns',
})

export const coredns: Proof = {
  id,
  title: 'CoreDNS is ready on two nodes or more',
  foreseen: [{ asks: 'CoreDNS ready on two nodes', checks: ['coredns', 'node-pressure'], stays: ['coredns'] }],
  async prove(run) {
    const cluster = await run.clusterFacts()
    const [pods, nodes] = [coreDnsPods(cluster), coreDnsNodes(cluster)]
    if (pods.length === 0 && (cluster.coreDns?.replicas ?? 0) === 0)
      return resultOf([{ what: 'CoreDNS', saw: 'not installed' }])
    if (coreDnsRolls(cluster)) return resultOf([notProved(id, beingRolled(nodes))])
    if (nodes.length >= 2) return resultOf([{ what: 'CoreDNS is ready on', saw: nodes.join(', ') }])
    const evidence = `${pods.length} pods, ready on ${nodes.join(', ') || 'no node'}`
    // One replica is the operator's choice, and says nothing against the control plane.
    if (pods.length === 1 && pods[0]?.ready === true && (cluster.coreDns?.replicas ?? 1) === 1) {
      const remedy = 'kubectl -n kube-system scale deployment coredns --replicas 2'
      return {
        evidence: [],
        findings: [
          {
            id,
            severity: 'warning',
            message: 'CoreDNS has one replica: if its node fails, name resolution fails',
            evidence,
            remedy,
          },
        ],
      }
    }
    if (!isHuddled(cluster)) return resultOf([notProved(id, notReady(coreDnsShortcoming(cluster) ?? evidence))])
    const remedy = 'kubectl -n kube-system rollout restart deployment coredns'
    return resultOf([
      notProved(id, {
        message: 'all CoreDNS pods run on one node: if it fails, name resolution fails',
        evidence,
        remedy,
      }),
    ])
  },
}
