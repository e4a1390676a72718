import { setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { RequestCertificatesRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { type KubeadmCa, type LeafCertificate, leafCertificates } from '@quorate/shared/kubeadm-certificates'
import { formatEndpoint } from '@quorate/shared/names'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'
import { apiserverCertificate, lackingSans, localPeer } from '../endpoint/servers.js'
import { isJoined } from '../facts/membership.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { certSansOf } from './hand-added-sans.js'

/** A certificate that the operator must get signed, and its CA. */
export interface Unsigned {
  readonly leaf: LeafCertificate
  /** PEM of the CA. */
  readonly caPem: string
}

/**
 * The certificates of a control plane that cannot be made here, because the CA key is not on the first control plane: for an existing one the API
 * server's, where it lacks a name; for a joiner all that kubeadm would make. Empty where every key is here.
 */
export async function unsignedOf(run: ConversionRun, node: NodeEntry): Promise<readonly Unsigned[]> {
  const { externalCas } = await run.nodeFacts(run.first)
  if (externalCas.length === 0) return []
  const pems = new Map(externalCas.map(({ name, certificatePem }) => [name, certificatePem]))
  const wanted = await wantedLeaves(run, node)
  return wanted.flatMap((leaf) => {
    const caPem = pems.get(leaf.ca)
    return caPem === undefined ? [] : [{ leaf, caPem }]
  })
}

async function wantedLeaves(run: ConversionRun, node: NodeEntry): Promise<readonly LeafCertificate[]> {
  if (node === run.first || (await isJoined(run, node))) {
    const lacking = lackingSans(run, await run.nodeFacts(node))
    return lacking.length === 0 ? [] : leafCertificates.filter(({ name }) => name === 'apiserver')
  }
  // kubeadm leaves out the tree of etcd's CA where etcd is external (cmd/phases/certs, GetCertsWithoutEtcd).
  const getsMember = (await run.etcdTopology()).homes().includes(node)
  return leafCertificates.filter(({ ca }) => getsMember || ca !== 'etcd/ca')
}

/** The requests that this run made on a node, by name. */
export const requestsOf = (run: ConversionRun, { certificateRequests }: NodeFacts) =>
  new Map(certificateRequests.filter(({ runId }) => runId === run.id).map((one) => [one.name, one]))

/** The control planes on which keys are kept for this run, according to the facts that were read last. */
export async function withRequests(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const kept = await Promise.all(
    run.controlPlanes.map(async (node) => requestsOf(run, await run.nodeFacts(node)).size > 0),
  )
  return run.controlPlanes.filter((_, index) => kept[index])
}

/** What the agent makes requests from: the configuration as kubeadm-config will have it, the node as it is or will be. */
export async function requestFor(
  run: ConversionRun,
  node: NodeEntry,
): Promise<Omit<RequestCertificatesRequest, 'header' | 'names'>> {
  const [facts, cluster] = await Promise.all([run.nodeFacts(node), run.clusterFacts()])
  const text = cluster.kubeadmConfig?.text ?? ''
  // A replaced certificate keeps the names that it has, whatever their origin.
  const sans = [...new Set([...(await certSansOf(run, text)), ...(apiserverCertificate(facts)?.sans ?? [])])]
  const { address, port } = localPeer(node, facts)
  return {
    clusterConfiguration: setControlPlaneEndpoint(text, formatEndpoint(run.endpoint), sans),
    // As the cluster file says, whatever the node says: its certificates must not be another's.
    nodeName: node.name,
    advertiseAddress: node === run.first || (await isJoined(run, node)) ? address : node.address,
    bindPort: facts.staticPods.length === 0 ? apiServerPort(await run.nodeFacts(run.first)) : port,
  }
}

const caNames: Readonly<Record<KubeadmCa, string>> = {
  ca: "the cluster's CA",
  'front-proxy-ca': "the front proxy's CA",
  'etcd/ca': "etcd's CA",
}

/** `by the cluster's CA: apiserver, admin.conf; by etcd's CA: etcd-peer`. */
export function inWords(unsigned: readonly Unsigned[]): string {
  const cas = [...new Set(unsigned.map(({ leaf }) => leaf.ca))]
  const namesOf = (ca: KubeadmCa): string =>
    unsigned.flatMap(({ leaf }) => (leaf.ca === ca ? [leaf.name] : [])).join(', ')
  return cas.map((ca) => `by ${caNames[ca]}: ${namesOf(ca)}`).join('; ')
}
