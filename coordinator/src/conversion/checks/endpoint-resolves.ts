import { outsideHostsBlock } from '@quorate/shared/hosts-file'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { hostsLines, nameSource } from '../endpoint/name-source.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'endpoint-resolves'

/** Each node must find the endpoint by itself: not through cluster DNS, which needs that API. */
export const endpointResolves: Check = {
  id,
  title: "Every node resolves the endpoint's name to the load balancer",
  async check(run) {
    if (run.loadBalancer.hostsAddress() !== undefined) return foreignHostsLines(run)
    const answers = await Promise.all(
      run.nodes.map(async (node) => ({
        node,
        addresses: (await run.agent(node).read('resolveName', { name: run.endpoint.host })).addresses,
      })),
    )
    const wanted = run.loadBalancer.address() ?? answers[0]?.addresses[0]
    const sources = await Promise.all(run.nodes.map((node) => throughClusterDns(run, node)))
    return [
      ...answers.flatMap(({ node, addresses }) => ofNode(run, { node, addresses: [...new Set(addresses)], wanted })),
      ...sources.flat(),
    ]
  },
}

function ofNode(
  run: ConversionRun,
  seen: { node: NodeEntry; addresses: readonly string[]; wanted: string | undefined },
): Finding[] {
  const { node, addresses, wanted } = seen
  const name = run.endpoint.host
  const evidence = `getent ahosts ${name}: ${addresses.join(', ') || '(nothing)'}`
  const remedy = `Add the record ${name} -> ${wanted ?? 'ADDRESS OF THE LOAD BALANCER'} to your DNS, or set policy.manageHosts: true in the cluster file.`
  const where = { id, severity: 'error', node: node.name, evidence, remedy } as const
  if (addresses.length === 0) return [{ ...where, message: `it cannot resolve the endpoint's name ${name}` }]
  if (wanted === undefined || addresses.every((address) => address === wanted)) return []
  // That of an operator may have several addresses.
  if (addresses.includes(wanted) && run.loadBalancer.runBy !== 'quorate') return []
  return [{ ...where, message: `it resolves the endpoint's name ${name} to an address other than ${wanted}` }]
}

/** If there is another server, the name resolves after the first one times out. */
async function throughClusterDns(run: ConversionRun, node: NodeEntry): Promise<Finding[]> {
  const { inHosts, clusterDns, nameservers } = await nameSource(run, node)
  if (inHosts || clusterDns.length === 0) return []
  return [
    {
      id,
      severity: clusterDns.length === nameservers.length ? 'error' : 'warning',
      node: node.name,
      message: `it resolves the endpoint's name through cluster DNS, which needs the API server behind that name`,
      evidence: `nameserver ${nameservers.join(', ')}; of the cluster: ${clusterDns.join(', ')}`,
      remedy:
        'On that node, name a DNS server outside the cluster in /etc/resolv.conf, or set policy.manageHosts: true in the cluster file.',
    },
  ]
}

/** Quorate's block cannot win against another line that names the endpoint with a different address. */
async function foreignHostsLines(run: ConversionRun): Promise<Finding[]> {
  const wanted = run.loadBalancer.hostsAddress()
  const nodes = await withFacts(run, run.nodes)
  return nodes.flatMap(({ node, facts: { hostsFile: hosts } }) =>
    hostsLines(outsideHostsBlock(hosts), run.endpoint.host)
      .filter((line) => line.split(/\s+/)[0] !== wanted)
      .map((line) => ({
        id,
        severity: 'error' as const,
        node: node.name,
        message: `/etc/hosts already gives the endpoint's name another address`,
        evidence: line,
        remedy: `On that node, remove the line from /etc/hosts: ${line}`,
      })),
  )
}
