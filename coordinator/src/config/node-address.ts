import { isIP } from 'node:net'
import { isDnsName } from '@quorate/shared/names'

/** The default port of agents. */
export const agentPort = 7445

/** One spelling for one address: `0:0:0:0:0:0:0:1` and `::1` are the same. What is no address comes back as it is. */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6 || address.includes('%')) return address
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}

/** `host:port` for a dial target, the host in brackets where it is IPv6. */
export function dialTarget(host: string, port: number = agentPort): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

/** Parses HOST, HOST:PORT, [IPv6] or [IPv6]:PORT; undefined when it is none of them. */
export function parseHostPort(text: string): { host: string; port: number } | undefined {
  if (isIP(text) !== 0) return { host: text, port: agentPort }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? agentPort : Number(match[3])
  if (host === undefined || port < 1 || port > 65535) return undefined
  const isHost = match?.[1] === undefined ? isIP(host) === 4 || isDnsName(host) : isIP(host) === 6
  return isHost ? { host, port } : undefined
}
