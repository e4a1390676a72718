import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import { isWithin, subnets } from '../facts/subnets.js'

/** Where a node's own programs learn the endpoint's address. */
export interface NameSource {
  /** /etc/hosts names it: no server is asked. */
  readonly inHosts: boolean
  readonly nameservers: readonly string[]
  /** Those of them that are pods of this very cluster. */
  readonly clusterDns: readonly string[]
}

/** Where NodeLocal DNSCache listens: its own manifest's address and kubespray's. It is a pod too, and starts after the kubelet has found the API. */
const localCaches = ['169.254.20.10', '169.254.25.10']

/** A resolver in the cluster's own Service network needs the API that is looked for: it works until all is switched off once. */
export async function nameSource(run: ConversionRun, node: NodeEntry): Promise<NameSource> {
  const [facts, configuration] = await Promise.all([run.nodeFacts(node), clusterConfiguration(run)])
  const services = subnets(configuration?.serviceSubnet ?? '')
  const isClusterDns = (address: string) => localCaches.includes(address) || isWithin(services, address)
  return {
    inHosts: hostsLines(facts.hostsFile, run.endpoint.host).length > 0,
    nameservers: facts.nameservers,
    clusterDns: facts.nameservers.filter(isClusterDns),
  }
}

/** Readable form, for evidence. */
export function sourceInWords({ inHosts, nameservers }: NameSource): string {
  if (inHosts) return 'from /etc/hosts'
  return nameservers.length === 0 ? 'from its resolver' : `from ${nameservers.join(', ')}`
}

/** Lines of a hosts file that give a name an address, without comments; names have no case (hosts(5), RFC 1123). */
export function hostsLines(hosts: string, name: string): string[] {
  return hosts
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line.toLowerCase().split(/\s+/).slice(1).includes(name.toLowerCase()))
}
