import { BlockList, isIPv6 } from 'node:net'
import { canonicalAddress } from './pki.js'

/** Groups of an IPv6 address, all eight of them; IPv4 in four. */
function groups(address: string): number[] {
  if (!isIPv6(address)) return address.split('.').map(Number)
  const [head = '', tail] = canonicalAddress(address).split('::')
  const parsed = (text = ''): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const [before, after] = [parsed(head), parsed(tail)]
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
}

/**
 * The first address of each service subnet (one of IPv4, one of IPv6 on dual stack): that of the Service `kubernetes`, which kubeadm puts into
 * the API server's certificate (GetAPIServerAltNames, GetAPIServerVirtualIP).
 */
export function firstServiceAddresses(serviceSubnet: string): string[] {
  return serviceSubnet
    .split(',')
    .map((subnet) => subnet.trim())
    .filter((subnet) => isSubnet(subnet))
    .map((subnet) => {
      const [base = ''] = subnet.split('/')
      const parts = groups(base)
      const last = parts.length - 1
      parts[last] = (parts[last] ?? 0) + 1
      return isIPv6(base) ? canonicalAddress(parts.map((part) => part.toString(16)).join(':')) : parts.join('.')
    })
}

function isSubnet(text: string): boolean {
  const [base = '', length] = text.split('/')
  try {
    new BlockList().addSubnet(base, Number(length), isIPv6(base) ? 'ipv6' : 'ipv4')
    return true
  } catch {
    return false
  }
}
