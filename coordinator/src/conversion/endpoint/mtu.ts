import type { NodeEntry } from '../../config/cluster-file.js'
import type { Evidence } from '../../engine/step.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'

export interface MtuSeen {
  readonly evidence: readonly Evidence[]
  readonly findings: readonly Omit<Finding, 'id'>[]
}

/**
 * The MTU of the interfaces by which control planes meet. Where they differ, a packet that one may send is too large for another, and a firewall
 * that drops ICMP makes it vanish: connections are made and then hang. That the path between takes full packets is seen by whoever meets the
 * throw-away certificate, which is larger than any packet (checks/reachability.ts).
 */
export async function mtuOfControlPlanes(run: ConversionRun): Promise<MtuSeen> {
  const seen = (
    await Promise.all(run.controlPlanes.map(async (node) => ({ node, ...(await interfaceOf(run, node)) })))
  ).filter(({ mtu }) => mtu > 0)
  const evidence = seen.map(({ node, name, mtu }) => ({ what: `MTU of ${name} on ${node.name}`, saw: String(mtu) }))
  const least = Math.min(...seen.map(({ mtu }) => mtu))
  const findings = seen
    .filter(({ mtu }) => mtu !== least)
    .map(({ node, name, mtu }) => ({
      severity: 'warning' as const,
      node: node.name,
      message: `its MTU is ${mtu}, that of other control planes ${least}: a path that drops ICMP would lose large packets`,
      evidence: evidence.map(({ what, saw }) => `${what}: ${saw}`).join('; '),
      remedy: `Set the same everywhere: ip link set dev ${name} mtu ${least}, and in the network configuration of the system. To test the path: ping -M do -s ${least - 28} ADDRESS`,
    }))
  return { evidence, findings }
}

async function interfaceOf(run: ConversionRun, node: NodeEntry): Promise<{ name: string; mtu: number }> {
  const { interfaces } = await run.nodeFacts(node)
  const own = interfaces.find(({ addresses }) => addresses.some((each) => each.startsWith(`${node.address}/`)))
  return { name: own?.name ?? '', mtu: own?.mtu ?? 0 }
}
