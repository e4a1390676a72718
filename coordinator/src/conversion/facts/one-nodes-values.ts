import { isIP } from 'node:net'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { canonicalAddress } from '@quorate/shared/pki'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from './cluster-configuration.js'
import { isWithin, subnets } from './subnets.js'
import { withFacts } from './with-facts.js'

/** Whose an address or name is. */
export interface Owners {
  /** Name of the one node that has this host; undefined where none has, or more than one. */
  of(host: string): string | undefined
  /** Loopback, any-address, the endpoint, networks of pods and Services: the same on every node. */
  isNobodys(host: string): boolean
}

/** Loopback, any, link-local, multicast. */
const everywhere = subnets('127.0.0.0/8,0.0.0.0/32,169.254.0.0/16,224.0.0.0/4,::1/128,::/128,fe80::/10,ff00::/8')
/** Made by runtimes and network plugins, with addresses that are often alike on all nodes. */
const virtualInterface =
  /^(lo|docker|cni|flannel|cali|veth|virbr|br-|tunl|vxlan|cilium|lxc|kube|nodelocaldns|dummy|weave)/

/** Who has which addresses and names, by the cluster file and what each node says of itself. */
export async function ownersOf(run: ConversionRun): Promise<Owners> {
  const [nodes, configuration] = await Promise.all([withFacts(run, run.nodes), clusterConfiguration(run)])
  const networks = subnets(configuration?.serviceSubnet ?? '', configuration?.podSubnet ?? '')
  const shared = [run.endpoint.host, ...run.loadBalancer.sans(), run.loadBalancer.address() ?? '']
  const common = new Set(['localhost', ...shared].map(hostOf))
  const isNobodys = (host: string) =>
    host === '' || common.has(host) || isWithin(everywhere, host) || isWithin(networks, host)
  const owners = new Map<string, Set<string>>()
  for (const { node, facts } of nodes)
    for (const host of hostsOf(node, facts)) owners.set(host, (owners.get(host) ?? new Set()).add(node.name))
  return {
    isNobodys,
    of: (host) => {
      const found = [...(owners.get(host) ?? [])]
      return found.length === 1 && !isNobodys(host) ? found[0] : undefined
    },
  }
}

function hostsOf(node: NodeEntry, { interfaces, hostname, nodeName }: NodeFacts): readonly string[] {
  const addresses = interfaces
    .filter(({ name }) => !virtualInterface.test(name))
    .flatMap((one) => one.addresses.map((address) => address.replace(/\/.*/, '')))
  return [...new Set([node.address, node.name, hostname, nodeName, ...addresses].map(hostOf))].filter(
    (host) => host !== '',
  )
}

/** One spelling of a host: RFC 5952 for IPv6, one of IPv4 in it as IPv4, names in lower case. */
function hostOf(text: string): string {
  const host = canonicalAddress(text.replace(/^\[|\]$/g, '').replace(/%.*$/, ''))
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host) ?? []
  if (high === undefined || low === undefined) return host
  const bytes = [high, low].flatMap((group) => {
    const number = Number.parseInt(group, 16)
    return [number >> 8, number & 255]
  })
  return bytes.join('.')
}

/** The hosts that a value names: `10.0.0.1`, `[::1]:80`, `https://a:2379/x`, `cp1=https://10.0.0.1:2380,...`, `10.0.0.1/32`. */
export function hostsIn(value: string): readonly string[] {
  return [...new Set(value.split(/[\s,;#]+/).flatMap((item) => hostOfItem(item.replace(/^[\w.-]+=/, ''))))]
}

function hostOfItem(item: string): readonly string[] {
  if (item === '' || item.startsWith('/')) return []
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(item)) return item.includes(':///') ? [] : hostOfUrl(item)
  const bare = item.replace(/\/(32|128)$/, '').replace(/^\[|\]$/g, '')
  if (isIP(bare.replace(/%.*$/, '')) !== 0) return [hostOf(bare)]
  const [, host = ''] = /^(\[[^\]]+\]|[^:/]+)(?::\d{1,5})?$/.exec(item) ?? []
  return host === '' ? [] : [hostOf(host)]
}

/** A URL's own parser takes other schemes' hosts (`unix`, `grpc`) as they stand. */
function hostOfUrl(url: string): readonly string[] {
  const web = url.replace(/^[a-z][a-z0-9+.-]*:/i, 'https:')
  return URL.canParse(web) ? [hostOf(new URL(web).hostname)].filter((host) => host !== '') : []
}

/**
 * The hosts of a value that one node has, each with whose it is; none where the value names every control plane. Where the value is an address of the
 * node's own (to listen on, to be known by), one that nobody is known to have is one node's too: no address is on two machines.
 */
export function oneNodesHosts(
  run: ConversionRun,
  owners: Owners,
  { value, isOwn }: { readonly value: string; readonly isOwn: boolean },
): readonly { readonly host: string; readonly owner: string }[] {
  const hosts = hostsIn(value)
  const known = new Set(hosts.map((host) => owners.of(host)))
  if (run.controlPlanes.every(({ name }) => known.has(name))) return []
  return hosts.flatMap((host) => {
    const owner = owners.of(host)
    if (owner !== undefined) return [{ host, owner }]
    return isOwn && isIP(host) !== 0 && !owners.isNobodys(host) ? [{ host, owner: 'one machine' }] : []
  })
}
