import { BlockList, isIP, isIPv6 } from 'node:net'
import { endpointAddresses } from '../endpoint/servers.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'
import type { Check } from './check.js'

const id = 'endpoint-outside-cluster'

/** An address that kube-proxy makes needs an API server to be made: after a power failure nothing would start (openelb#125, metallb#168). */
export const endpointOutsideCluster: Check = {
  id,
  title: 'The cluster itself does not provide the endpoint address',
  async check(run) {
    const subnet = (await clusterConfiguration(run))?.serviceSubnet ?? ''
    const addresses = await endpointAddresses(run, run.first)
    return addresses
      .filter((address) => inside(address, subnet))
      .map((address) => ({
        id,
        severity: 'error',
        message: `the endpoint ${run.endpoint.host} is the address of a Service: a Service needs the API, and the API would need the Service`,
        evidence: `${address} is in serviceSubnet ${subnet}`,
        remedy:
          'Choose an address in the network of the control planes for loadBalancer.virtualIP, or for the name of the endpoint in DNS',
      }))
  },
}

/** A dual-stack cluster has two subnets, with a comma between. */
function inside(address: string, subnets: string): boolean {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  for (const [base = '', prefix] of subnets.split(',').map((one) => one.trim().split('/'))) {
    const kind = isIP(base)
    if (kind !== 0 && prefix !== undefined) list.addSubnet(base, Number(prefix), kind === 6 ? 'ipv6' : 'ipv4')
  }
  return isIP(address) !== 0 && list.check(address, family)
}
