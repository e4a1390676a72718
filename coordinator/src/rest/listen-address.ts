import { isIP } from 'node:net'
import { QuorateError } from '@quorate/shared/errors'

/** Where REST listens. */
export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly loopback: boolean }

/** Parses `127.0.0.1:7446`, `[::1]:7446` or `unix:/run/quorate.sock`; USAGE on anything else. Names are not accepted: they may resolve to several addresses. */
export function parseListen(text: string): ListenAddress {
  if (/^unix:\/./.test(text)) return { kind: 'unix', path: text.slice('unix:'.length) }
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const [host, port] = [match?.[1] ?? match?.[2] ?? '', Number(match?.[3])]
  if (isIP(host) === 0 || port > 65535) {
    throw new QuorateError('USAGE', `not an address to listen on: ${JSON.stringify(text)}`, {
      remedy: 'Use ADDRESS:PORT such as 127.0.0.1:7446 or [::1]:7446, or unix:/PATH.',
    })
  }
  return { kind: 'tcp', host, port, loopback: host === '::1' || host.startsWith('127.') }
}
