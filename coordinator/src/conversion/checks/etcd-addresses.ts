import type { EtcdMember, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import { toJoin } from '../membership.js'
import { staticPodFlag } from '../static-pod-flags.js'
import type { Check, Finding } from './check.js'

const id = 'etcd-addresses'

/** A cluster born before 1.13, or restored from a snapshot, may have an etcd that only itself can reach (kubeadm#1950, #2071). */
export const etcdAddresses: Check = {
  id,
  title: 'etcd listens on, and is known by, the address of its node',
  async check(run) {
    const joining = await toJoin(run)
    const { members } = await run.etcd()
    const homes = (await run.etcdTopology()).homes(run)
    const nodes = homes.filter((node) => !joining.includes(node))
    const findings = await Promise.all(
      nodes.map(async (node) => [...ofFlags(node, await run.nodeFacts(node)), ...ofMember(node, members)]),
    )
    return findings.flat()
  },
}

function ofFlags(node: NodeEntry, facts: NodeFacts): Finding[] {
  return [
    { flag: '--listen-client-urls', port: 2379 },
    { flag: '--listen-peer-urls', port: 2380 },
  ].flatMap(({ flag, port }) => {
    const urls = staticPodFlag(facts, 'etcd', flag)
    if (urls === undefined || urls.split(',').some((url) => listensFor(url, node.address))) return []
    return [
      {
        id,
        severity: 'error' as const,
        node: node.name,
        message: `etcd listens on port ${port} for this node alone: a second member could not reach it`,
        evidence: `etcd.yaml: ${flag}=${urls}`,
        remedy: `Add https://${hostOf(node.address)}:${port} to ${flag} in /etc/kubernetes/manifests/etcd.yaml, and that address to the SANs of pki/etcd/server.crt and peer.crt (kubeadm init phase certs etcd-server, etcd-peer)`,
      },
    ]
  })
}

function ofMember(node: NodeEntry, members: readonly EtcdMember[]): Finding[] {
  const member = members.find(({ name }) => name === node.name)
  const wanted = `https://${hostOf(node.address)}:2380`
  if (member === undefined) {
    return [
      {
        id,
        severity: 'error',
        node: node.name,
        message: 'etcd has no member of this name: kubeadm finds members by the name of the node',
        evidence: `members: ${members.map(({ name }) => name || '(unstarted)').join(', ') || '(none)'}`,
        remedy: `Start etcd with --name=${node.name} in /etc/kubernetes/manifests/etcd.yaml`,
      },
    ]
  }
  if (member.peerUrls.includes(wanted)) return []
  return [
    {
      id,
      severity: 'error',
      node: node.name,
      message: 'etcd gives its members another peer address than the node has',
      evidence: `peer URLs ${member.peerUrls.join(', ')}; the file's address ${node.address}`,
      remedy: `etcdctl member update ${member.id} --peer-urls=${wanted}`,
    },
  ]
}

function listensFor(url: string, address: string): boolean {
  return [address, '0.0.0.0', '::'].some((host) => url.trim().includes(`//${hostOf(host)}:`))
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
