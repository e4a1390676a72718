import { BlockList, isIPv6 } from 'node:net'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { VerifyMode } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'virtual-ip-unused'

/** A machine takes over the address without a check: two holders on one network cause intermittent outages (keepalived#2370). */
export const virtualIpUnused: Check = {
  id,
  title: 'The virtual IP is free and in the network of the machines that hold it',
  async check(run) {
    const address = run.loadBalancer.movingAddress()
    if (address === undefined) return []
    const nodes = await withFacts(run, run.machines)
    const frontends = run.loadBalancer.frontends().map(({ node }) => node)
    const machines = nodes.filter(({ node }) => frontends.includes(node))
    const isRouted = run.loadBalancer.isRouted?.() ?? false
    const holders = nodes.filter(({ facts }) => holds(facts, address))
    return [
      ...holders.flatMap(({ node, facts }) => (holderIsOurs(facts) ? [] : [heldBy(node.name, facts, address)])),
      ...(isRouted ? [] : machines.flatMap(({ node, facts }) => outsideOf(node, facts, address))),
      ...(holders.length === 0 ? await heldOutside(run, address) : []),
    ]
  },
}

function holds(facts: NodeFacts, address: string): boolean {
  return facts.interfaces.some((each) => each.addresses.some((own) => own.split('/')[0] === address))
}

/** What moves addresses runs there with a file that Quorate wrote. */
function holderIsOurs(facts: NodeFacts): boolean {
  return Object.keys(facts.loadBalancerConfigs).some((path) => /(keepalived\.conf|kube-vip\.yaml)$/.test(path))
}

function heldBy(node: string, facts: NodeFacts, address: string): Finding {
  const holder = facts.interfaces.find((each) => each.addresses.some((own) => own.split('/')[0] === address))
  return {
    id,
    severity: 'error',
    node,
    message: `this node already has the virtual IP ${address}, which Quorate did not assign`,
    evidence: `${holder?.name} ${holder?.addresses.join(', ')}`,
    remedy: `Choose a free address as loadBalancer.virtualIP, or on that node: ip addr del ${address}/32 dev ${holder?.name}`,
  }
}

/** VRRP and ARP move an address inside one network only. */
function outsideOf(node: NodeEntry, facts: NodeFacts, address: string): Finding[] {
  const own = facts.interfaces.flatMap((each) => each.addresses).find((each) => each.split('/')[0] === node.address)
  if (own === undefined || sameNetwork(own, address)) return []
  return [
    {
      id,
      severity: 'error',
      node: node.name,
      message: `the virtual IP ${address} is not in the network of this machine`,
      evidence: own,
      remedy:
        'Choose a free address of that network as loadBalancer.virtualIP; if the control planes share no network, use loadBalancer.kind: external.',
    },
  ]
}

function sameNetwork(own: string, address: string): boolean {
  const [base = '', prefix = ''] = own.split('/')
  const family = isIPv6(base) ? 'ipv6' : 'ipv4'
  if (isIPv6(address) !== isIPv6(base)) return false
  const network = new BlockList()
  network.addSubnet(base, Number(prefix || (family === 'ipv6' ? 128 : 32)), family)
  return network.check(address, family)
}

/** Another machine: one that answers, even with a refusal, has the address. */
async function heldOutside(run: ConversionRun, address: string): Promise<Finding[]> {
  const answer = await run.agent(run.first).read('probeEndpoint', {
    host: address,
    port: run.endpoint.port,
    path: '',
    serverName: '',
    verify: VerifyMode.VERIFY_MODE_TCP,
    timeoutMs: 1_000,
    caPem: '',
  })
  if (answer.error !== '' && !/ECONNREFUSED|ECONNRESET/.test(answer.error)) return []
  return [
    {
      id,
      severity: 'error',
      message: `a machine that is not in the cluster file answers at the virtual IP ${address}`,
      evidence: `${run.first.name} -> ${address}:${run.endpoint.port}: ${answer.error || 'connected'}`,
      remedy: `Find it: on ${run.first.name}: ip neigh show ${address}. Choose a free address as loadBalancer.virtualIP.`,
    },
  ]
}
