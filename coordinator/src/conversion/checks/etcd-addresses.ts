import { etcdPeerUrl } from '@quorate/shared/etcd-listen'
import type { EtcdMember, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { shutPorts } from '../etcd/shut-ports.js'
import { foldersOf, pkiPath } from '../facts/cluster-folders.js'
import { toJoin } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'etcd-addresses'

/** In a cluster created before 1.13, or restored from a snapshot, etcd may be reachable from its own node only (kubeadm#1950, #2071). */
export const etcdAddresses: Check = {
  id,
  title: 'etcd listens on, and advertises, the address of its node',
  async check(run) {
    const joining = await toJoin(run)
    const { members } = await run.etcd()
    const homes = (await run.etcdTopology()).homes()
    const nodes = homes.filter((node) => !joining.includes(node))
    const findings = await Promise.all(
      nodes.map(async (node) => [
        ...ofFlags(run, node, await run.nodeFacts(node)),
        ...ofMember(run, node, { members, facts: await run.nodeFacts(node) }),
      ]),
    )
    return findings.flat()
  },
}

function ofFlags(run: ConversionRun, node: NodeEntry, facts: NodeFacts): Finding[] {
  const unsigned = unsignable(node, facts)
  return shutPorts(node, facts).map(({ port, flag, urls }) => ({
    ...{ id, node: node.name, evidence: `etcd.yaml: ${flag}=${urls}` },
    ...(run.file.policy.letEtcdListen ? willListen(port, unsigned) : nobodyReaches(port)),
  }))
}

/** Certificates of its etcd that are not for the node's address, and that cannot be issued there. */
function unsignable({ address }: NodeEntry, facts: NodeFacts): readonly string[] {
  const { certificates, externalCas } = facts
  if (!externalCas.some(({ name }) => name === 'etcd/ca')) return []
  const serving = ['server', 'peer'].map((name) => pkiPath(facts, `etcd/${name}.crt`))
  return certificates.flatMap(({ path, sans }) => (serving.includes(path) && !sans.includes(address) ? [path] : []))
}

const nobodyReaches = (port: number): Omit<Finding, 'id' | 'evidence'> => ({
  severity: 'error',
  message: `etcd listens on port ${port} for this node only: a second member could not reach it`,
  remedy:
    'Set policy.letEtcdListen: true in the cluster file: Quorate changes that and restarts etcd once. The API is then unavailable for a minute or two, which acceptOutageSeconds: 120 must allow.',
})

const willListen = (port: number, unsigned: readonly string[]): Omit<Finding, 'id' | 'evidence'> =>
  unsigned.length === 0 ? listensSoon(port) : nobodySigns(port, unsigned)

const nobodySigns = (port: number, unsigned: readonly string[]): Omit<Finding, 'id' | 'evidence'> => ({
  severity: 'error',
  message: `etcd listens on port ${port} for this node only, and its certificates name no other address; the key of the etcd CA is not on this node`,
  remedy: `Replace ${unsigned.join(', ')} with certificates that also name the address of this node, or put etcd/ca.key (0600, root) there for the duration of the conversion.`,
})

const listensSoon = (port: number): Omit<Finding, 'id' | 'evidence'> => ({
  severity: 'warning',
  message: `etcd listens on port ${port} for this node only: let-etcd-listen changes that and restarts etcd, and requests fail for a minute or two`,
  remedy: 'Convert in a maintenance window; acceptOutageSeconds: 120 allows it.',
})

function ofMember(
  run: ConversionRun,
  node: NodeEntry,
  { members, facts }: { readonly members: readonly EtcdMember[]; readonly facts: NodeFacts },
): Finding[] {
  const member = members.find(({ name }) => name === node.name)
  const wanted = etcdPeerUrl(node.address)
  if (member === undefined) {
    return [
      {
        id,
        severity: 'error',
        node: node.name,
        message: 'etcd has no member with this name: kubeadm finds members by the node name',
        evidence: `members: ${members.map(({ name }) => name || '(unstarted)').join(', ') || '(none)'}`,
        remedy: `Start etcd with --name=${node.name} in ${foldersOf(facts).manifests}/etcd.yaml`,
      },
    ]
  }
  if (member.peerUrls.includes(wanted)) return []
  const evidence = `peer URLs ${member.peerUrls.join(', ')}; the file's address ${node.address}`
  const message = 'the peer address of the etcd member differs from the address of the node'
  const where = { id, node: node.name, evidence }
  if (run.file.policy.letEtcdListen)
    return [
      { ...where, severity: 'warning', message: `${message}: let-etcd-listen changes that`, remedy: 'Nothing to do.' },
    ]
  return [{ ...where, severity: 'error', message, remedy: `etcdctl member update ${member.id} --peer-urls=${wanted}` }]
}
