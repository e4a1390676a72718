import { isIpAddress } from '@quorate/shared/names'
import type { Host } from '../../host/host.js'

/** systemd-resolved's own address; its upstream servers are in another file, which kubeadm gives to the kubelet for the same reason. */
const stub = '127.0.0.53'
const resolvConf = '/etc/resolv.conf'
const resolvedConf = '/run/systemd/resolve/resolv.conf'

/** The name servers of this node's resolver. */
export async function readNameservers(host: Host): Promise<string[]> {
  const named = await serversIn(host, resolvConf)
  if (!named.includes(stub)) return named
  const behind = await serversIn(host, resolvedConf)
  return behind.length === 0 ? named : [...named.filter((address) => address !== stub), ...behind]
}

async function serversIn(host: Host, path: string): Promise<string[]> {
  const file = await host.read(path, { followLinks: true }).catch(() => undefined)
  const lines = (file?.bytes.toString('utf8') ?? '').split('\n')
  // A zone (fe80::1%eth0) is not part of the address.
  const addresses = lines.map((line) => /^nameserver\s+([^\s%]+)/.exec(line)?.[1] ?? '')
  return [...new Set(addresses.filter(isIpAddress))]
}
