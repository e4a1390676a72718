import { QuorateError } from '@quorate/shared/errors'
import type { CertificateFacts, KubeconfigFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { serverUrl } from '@quorate/shared/names'
import { canonicalAddress } from '@quorate/shared/pki'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'
import { pkiPath } from '../facts/cluster-folders.js'
import { apiServerPort, staticPodFlag } from '../facts/static-pod-flags.js'

/** Address and port of one end of a connection. */
export interface Peer {
  readonly address: string
  readonly port: number
}

/** The server for everything that does not belong on a local API server. */
export const endpointServer = (run: ConversionRun): string => serverUrl(run.endpoint)

/** Names and addresses by which clients will meet the API server from now on. */
export function wantedSans(run: ConversionRun): string[] {
  return [run.endpoint.host, ...run.loadBalancer.sans()]
}

/** The certificate of a control plane's API server, as it lies on its disk. */
export const apiserverCertificate = (
  facts: Pick<NodeFacts, 'certificates' | 'folders'>,
): CertificateFacts | undefined => facts.certificates.find(({ path }) => path === pkiPath(facts, 'apiserver.crt'))

/** The names that it must have and has not. */
export function lackingSans(run: ConversionRun, facts: NodeFacts): string[] {
  const sans = apiserverCertificate(facts)?.sans ?? []
  return wantedSans(run).filter((san) => !sans.includes(san))
}

/** Where the endpoint is, as this node sees it: the address that the load balancer has by its kind, or what the name resolves to there. */
export async function endpointAddresses(
  run: ConversionRun,
  from: NodeEntry,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const address = run.loadBalancer.address()
  if (address !== undefined) return [address]
  const { addresses } = await run
    .agent(from)
    .read('resolveName', { name: run.endpoint.host }, signal === undefined ? {} : { signal })
  return addresses
}

/** The API server of a control plane itself, as its own kubeconfigs name it. */
export function localPeer(node: NodeEntry, facts: NodeFacts): Peer {
  return {
    address: staticPodFlag(facts, 'kube-apiserver', '--advertise-address') ?? node.address,
    port: apiServerPort(facts),
  }
}

export const localServer = (node: NodeEntry, facts: NodeFacts): string => {
  const { address, port } = localPeer(node, facts)
  return serverUrl({ host: address, port })
}

/** Host without brackets and port of a kubeconfig's server; undefined when it is no URL. */
export function serverPeer(server: string): Peer | undefined {
  if (!URL.canParse(server)) return undefined
  const { hostname, port } = new URL(server)
  return { address: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 443 : Number(port) }
}

/** Whether a server is this very node's API server, by whatever name it is called there. */
export function isLocalServer(server: string, node: NodeEntry, facts: NodeFacts): boolean {
  return namesNode(server, node, facts) || isLoopback(server, facts)
}

/** Whether a server names this node's API server from anywhere: by its address or one of its names. */
export function namesNode(server: string, node: NodeEntry, facts: NodeFacts): boolean {
  const peer = serverPeer(server)
  const names = [node.address, localPeer(node, facts).address, node.name, facts.hostname, facts.nodeName]
  return peer !== undefined && peer.port === apiServerPort(facts) && names.map(canonicalAddress).includes(peer.address)
}

function isLoopback(server: string, facts: NodeFacts): boolean {
  const peer = serverPeer(server)
  return (
    peer !== undefined && peer.port === apiServerPort(facts) && ['localhost', '127.0.0.1', '::1'].includes(peer.address)
  )
}

/** Kubeconfigs of some purposes that can be read as such. */
export function kubeconfigsOf(facts: NodeFacts, purposes: readonly string[]): readonly KubeconfigFacts[] {
  return facts.kubeconfigs.filter((one) => purposes.includes(one.purpose) && one.problem === '')
}

/** The cluster's CA as PEM (public), from the first control plane, or one that joined where that does not answer. */
export async function clusterCa(run: ConversionRun): Promise<string> {
  for (const node of run.controlPlanes) {
    const pem = await run.nodeFacts(node).then(
      (facts) => facts.clusterCaPem,
      () => '',
    )
    if (pem !== '') return pem
  }
  throw new QuorateError('CERTIFICATE_INVALID', 'no control plane presents a certificate of the cluster CA', {
    where: run.first.name,
  })
}

/** The node of the file that an action is for. */
export function nodeOf(run: ConversionRun, name: string): NodeEntry {
  const node = [...run.controlPlanes, ...run.file.workers, ...run.file.loadBalancer.hosts].find(
    (one) => one.name === name,
  )
  if (node === undefined)
    throw new QuorateError('INTERNAL', `${name} is not a node of the cluster file`, { where: name })
  return node
}
