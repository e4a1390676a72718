import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { cloudOf } from '../facts/cloud.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'virtual-ip-in-cloud'

/** Clouds route what their API knows: an address that a node announces by ARP is not found, or dropped as forged. */
export const virtualIpInCloud: Check = {
  id,
  title: 'The virtual IP can move between the machines: their network believes ARP',
  beside:
    'Clouds move an address through their own API only. No kubeadm thread reports it; it is a common question about kube-vip.',
  async check(run) {
    const { kind, bgp, hosts, virtualIP } = run.file.loadBalancer
    const byArp = kind === 'haproxy' || (kind === 'kube-vip' && bgp === undefined)
    if (!byArp || virtualIP === undefined) return []
    const holders = kind === 'haproxy' && hosts.length > 0 ? hosts : run.controlPlanes
    const [nodes, { nodes: objects }] = await Promise.all([withFacts(run, holders), run.clusterFacts()])
    return nodes.flatMap(({ node, facts }) => {
      const providerId = objects.find(({ name }) => name === node.name)?.providerId ?? ''
      const found = cloudOf(facts, providerId)
      return found === undefined ? [] : [inCloud(run, node, found)]
    })
  },
}

type Found = NonNullable<ReturnType<typeof cloudOf>>

function inCloud(run: ConversionRun, node: { name: string; address: string }, { cloud, seen }: Found): Finding {
  const { virtualIP = '' } = run.file.loadBalancer
  const where = { id, node: node.name, evidence: seen }
  if (cloud.loadBalancer === undefined)
    return {
      ...where,
      severity: 'warning',
      message: `${cloud.name} drops packets from ${virtualIP} unless the port of this machine allows that address`,
      remedy: `Once for each control plane: openstack port list --fixed-ip ip-address=${node.address}, then openstack port set --allowed-address ip-address=${virtualIP} PORT. When it is done, add ${id} to policy.ignoreFindings with that as the reason.`,
    }
  return {
    ...where,
    severity: 'error',
    message: `a virtual IP that moves by ARP does not work in ${cloud.name}: ${virtualIP} would be reachable from its own machine only`,
    remedy: `In the cluster file: loadBalancer.kind: external, for ${cloud.loadBalancer} of ${cloud.name}, with the endpoint name resolving to it; or loadBalancer.kind: node-local, which needs none.`,
  }
}
