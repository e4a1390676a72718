import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { shutBy, type Traffic } from '../facts/firewall-rules.js'
import { apiServerPort } from '../facts/static-pod-flags.js'
import { unitOf } from '../facts/unit-of.js'
import type { Check } from './check.js'

const id = 'firewall'

/**
 * What firewalld or ufw of a machine blocks, before kubeadm or keepalived runs into it. Whether ports can be reached is tried as well
 * (`reachability`); VRRP cannot be tried before two keepalived speak.
 */
export const firewall: Check = {
  id,
  title: 'firewalld and ufw allow traffic between control planes and load balancer',
  async check(run) {
    const nodes = new Set([...run.controlPlanes, ...run.loadBalancer.frontends().map(({ node }) => node)])
    const found = await Promise.all(
      [...nodes].map(async (node) => ofMachine(run, { node, facts: await run.nodeFacts(node) })),
    )
    return found.flat()
  },
}

interface Machine {
  readonly node: NodeEntry
  readonly facts: NodeFacts
}

async function ofMachine(run: ConversionRun, { node, facts }: Machine): Promise<Finding[]> {
  const about = { id, severity: 'warning', node: node.name } as const
  if (!facts.firewalldActive && unitOf(facts, 'ufw')?.activeState !== 'active') return []
  const rules = await run.agent(node).read('getFirewall', {})
  const senders = await trafficTo(run, { node, facts })
  if (facts.firewalldActive && rules.firewalldZones === '') return [unread(about, senders, rules.firewalldProblem)]
  return senders.flatMap((traffic): Finding[] => {
    const shut = shutBy(rules, traffic)
    if (shut === undefined) return []
    const what = [...shut.ports.map((port) => `TCP port ${port}`), ...(shut.vrrp ? ['VRRP (protocol 112)'] : [])]
    const message = `the firewall of this node does not allow ${what.join(', ')} from ${traffic.from.join(', ')}`
    return [{ ...about, message, evidence: shut.evidence, remedy: shut.remedy }]
  })
}

/** From the other control planes, and from other machines of the load balancer. */
async function trafficTo(run: ConversionRun, { node, facts }: Machine): Promise<readonly Traffic[]> {
  const etcd = await run.etcdTopology()
  const frontends = run.loadBalancer.frontends().filter((one) => one.address === one.node.address)
  const balances = frontends.some((one) => one.node === node)
  const others = (nodes: readonly NodeEntry[]) => nodes.filter((one) => one !== node).map(({ address }) => address)
  const ofControlPlane = [apiServerPort(await run.nodeFacts(run.first)), ...etcd.ports, 10250]
  const ports = [...(run.controlPlanes.includes(node) ? ofControlPlane : []), ...(balances ? [run.endpoint.port] : [])]
  const vrrp = balances && run.loadBalancer.programs.includes('keepalived')
  const machines = frontends.map((one) => one.node)
  const [interfaceName = ''] = facts.interfaces
    .filter(({ addresses }) => addresses.some((address) => address.startsWith(`${node.address}/`)))
    .map(({ name }) => name)
  const isSame =
    vrrp && machines.length === run.controlPlanes.length && machines.every((one) => run.controlPlanes.includes(one))
  const fromControlPlanes = { from: others(run.controlPlanes), ports, vrrp: isSame, interfaceName }
  if (!vrrp || isSame) return [fromControlPlanes]
  return [fromControlPlanes, { from: others(machines), ports: [], vrrp, interfaceName }]
}

/** firewalld runs but does not show its rules: everything that it must allow. */
function unread(
  about: Pick<Finding, 'id' | 'severity' | 'node'>,
  senders: readonly Traffic[],
  problem: string,
): Finding {
  const ports = [...new Set(senders.flatMap((traffic) => traffic.ports))]
  const vrrp = senders.some((traffic) => traffic.vrrp)
  const options = [...ports.map((port) => `--add-port=${port}/tcp`), ...(vrrp ? ['--add-protocol=vrrp'] : [])]
  return {
    ...about,
    severity: 'warning',
    message: `firewalld is active, and its rules cannot be read: the ports of control plane and load balancer${vrrp ? ', and VRRP,' : ''} must be open`,
    evidence: `firewalld.service is active; firewall-cmd --list-all-zones: ${problem || 'no answer'}`,
    remedy: `On that node: firewall-cmd --permanent ${options.join(' ')} && firewall-cmd --reload`,
  }
}
