import { QuorateError } from '@quorate/shared/errors'
import type { ListeningPort, SocketFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { commands } from '../../host/commands.js'
import type { Command, Host } from '../../host/host.js'

/** Of the last sockets that were seen. A machine has one agent; sockets of another text than these are asked for again. */
let last: { readonly sockets: string; readonly ports: readonly ListeningPort[] } | undefined

/**
 * TCP ports that something listens on, with the program's name. Sockets without names are read each time, by a child; the names take a unit of
 * their own, and are read again when a socket has come or gone: a gate asks several times a second.
 */
export async function readListening(host: Host, signal?: AbortSignal): Promise<ListeningPort[]> {
  const sockets = identities(await asked(host, commands.listeningSockets(), signal))
  if (sockets === undefined || sockets !== last?.sockets) {
    const ports = parseListening(await asked(host, commands.listeningPrograms(), signal))
    last = sockets === undefined ? undefined : { sockets, ports }
    return ports
  }
  return [...last.ports]
}

/** Lines of `ss -Htlne`: address and inode of each socket, which no other one has while it is open. Undefined if one has none. */
function identities(text: string): string | undefined {
  const lines = rows(text).map(({ state, local, inode }) =>
    inode === undefined ? undefined : `${state} ${local} ${inode}`,
  )
  return lines.includes(undefined) ? undefined : lines.sort().join('\n')
}

/** Established TCP connections (`ss -Htnp`). */
export const readEstablished = async (host: Host, signal?: AbortSignal): Promise<SocketFacts[]> =>
  parseEstablished(await asked(host, commands.establishedSockets(), signal))

/** A failure is none: without sockets, a port would seem free. */
async function asked(host: Host, command: Command, signal?: AbortSignal): Promise<string> {
  const { exitCode, stdout, stderr } = await host.run(command, signal)
  if (exitCode === 0) return stdout
  throw new QuorateError('COMMAND_FAILED', `ss ended with ${exitCode}: ${stderr.trim()}`, {
    remedy:
      'On that node: `systemd-run --pipe --wait ss -Htnp` must print its sockets. It needs the package iproute2 (iproute in RHEL) and a running D-Bus.',
  })
}

/** Lines of `ss -Htlnp`: `LISTEN 0 4096 127.0.0.1:2379 0.0.0.0:* users:(("etcd",pid=1,fd=8))`. */
export function parseListening(text: string): ListeningPort[] {
  return rows(text).flatMap(({ local, processes }) => {
    const at = splitAddress(local)
    return at === undefined ? [] : [{ ...at, process: processes[0] ?? '' }]
  })
}

/** Lines of `ss -Htnp` that are established, one for each process that holds the socket. */
export function parseEstablished(text: string): SocketFacts[] {
  return rows(text)
    .filter(({ state }) => state === 'ESTAB')
    .flatMap(({ peer, processes }) => {
      const at = splitAddress(peer)
      if (at === undefined) return []
      return processes.map((process) => ({ process, peerAddress: at.address, peerPort: at.port }))
    })
}

interface Row {
  readonly state: string
  readonly local: string
  readonly peer: string
  /** As the kernel shortens them, at most 15 characters. */
  readonly processes: readonly string[]
  readonly inode: string | undefined
}

function rows(text: string): Row[] {
  return text.split('\n').flatMap((line) => {
    const [state, , , local, peer] = line.trim().split(/\s+/)
    if (state === undefined || local === undefined || peer === undefined) return []
    const processes = [...line.matchAll(/\("([^"]*)",pid=/g)].map((match) => match[1] ?? '')
    return [{ state, local, peer, processes: [...new Set(processes)], inode: /\bino:(\d+)/.exec(line)?.[1] }]
  })
}

/** `[::ffff:10.0.0.1]:6443`, `*:8443`, `fe80::1%eth0:22`, `127.0.0.53%lo:53`; a wildcard is `0.0.0.0` or `::`. */
function splitAddress(text: string): { address: string; port: number } | undefined {
  const at = text.lastIndexOf(':')
  const port = Number(text.slice(at + 1))
  if (at < 0 || !Number.isInteger(port)) return undefined
  const bare = text
    .slice(0, at)
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
  const address = bare === '*' ? '::' : bare.replace(/^::ffff:(?=[0-9.]+$)/i, '')
  return { address, port }
}
