import type { NetworkInterface } from '@quorate/shared/gen/quorate/v1/facts'
import { commands } from '../../host/commands.js'
import type { Host } from '../../host/host.js'

interface IpAddress {
  readonly ifname: string
  readonly address?: string
  readonly mtu?: number
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[]
}

/** Interfaces of this node with their addresses (`ip -j addr`). */
export async function readInterfaces(host: Host, signal?: AbortSignal): Promise<NetworkInterface[]> {
  const { stdout } = await host.run(commands.interfaces(), signal)
  return parseInterfaces(stdout)
}

/** What `ip -j addr` prints (iproute2, json). */
function parseInterfaces(json: string): NetworkInterface[] {
  return (JSON.parse(json) as IpAddress[]).map((one) => ({
    name: one.ifname,
    mac: one.address ?? '',
    mtu: one.mtu ?? 0,
    addresses: (one.addr_info ?? []).flatMap(({ local, prefixlen }) =>
      local === undefined || prefixlen === undefined ? [] : [`${local}/${prefixlen}`],
    ),
  }))
}

/** Interface of the default route, of IPv4 if there is one; '' for none. */
export async function readDefaultInterface(host: Host): Promise<string> {
  const lines = async (path: string): Promise<string[][]> =>
    ((await host.read(path).catch(() => undefined))?.bytes.toString('utf8') ?? '')
      .split('\n')
      .map((line) => line.split(/\s+/))
  // route(8): interface, destination, gateway; of IPv6: destination, its prefix's length, ..., interface (Documentation/networking/ip-sysctl).
  const ofIpv4 = (await lines('/proc/net/route')).find(([, destination]) => destination === '00000000')
  if (ofIpv4 !== undefined) return ofIpv4[0] ?? ''
  const ofIpv6 = (await lines('/proc/net/ipv6_route')).find(
    (words) => words[0] === '0'.repeat(32) && words[1] === '00' && words[9] !== 'lo',
  )
  return ofIpv6?.[9] ?? ''
}

/** The interface with an address, and its network's prefix length; undefined if none has it. */
export function holderOf(
  interfaces: readonly NetworkInterface[],
  address: string,
): { name: string; prefixLength: number } | undefined {
  for (const { name, addresses } of interfaces) {
    const held = addresses.find((one) => one.startsWith(`${address}/`))
    if (held !== undefined) return { name, prefixLength: Number(held.split('/')[1]) }
  }
  return undefined
}
