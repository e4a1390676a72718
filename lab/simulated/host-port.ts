import { isIPv6 } from 'node:net'

/** `127.13.0.30:6443`, `[fd00:13::30]:6443`. */
export const hostPort = (host: string, port: number | string): string => `${isIPv6(host) ? `[${host}]` : host}:${port}`

/** `https://` and where. */
export const httpsUrl = (host: string, port: number | string): string => `https://${hostPort(host, port)}`

/** Takes `127.13.0.30:6443` or `[fd00:13::30]:6443` apart; both empty for neither. */
export function splitHostPort(text: string): { readonly host: string; readonly port: string } {
  const [, six, other = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text) ?? []
  return { host: six ?? other, port }
}

/** Host and port of a URL, an IPv6 address without its brackets. */
export function placeOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 443 : Number(port) }
}
