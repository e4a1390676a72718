import { BlockList, isIP, isIPv6 } from 'node:net'

/** `10.96.0.0/12`, or one of each family with a comma between, as one list; what is no network is left out. */
export function subnets(...texts: readonly string[]): BlockList {
  const list = new BlockList()
  for (const subnet of texts.flatMap((text) => text.split(','))) {
    const [address = '', prefix = ''] = subnet.trim().split('/')
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (isIPv6(address) ? 128 : 32)) continue
    list.addSubnet(address, Number(prefix), familyOf(address))
  }
  return list
}

export const isWithin = (list: BlockList, address: string): boolean =>
  isIP(address) !== 0 && list.check(address, familyOf(address))

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')
