import { isIP, type Socket } from 'node:net'
import type { SimulatedNode } from './node.js'

/** Loopback belongs to each node: what a node dials there is its own address here. */
export const isLoopback = (address: string): boolean => address === '127.0.0.1' || address === '::1'

/**
 * The network between the nodes: all are loopback addresses, so every connection is real; a cut connection is refused by its
 * target, which identifies the caller by its source address.
 */
export class SimulatedNetwork {
  /** Names besides /etc/hosts: the site's DNS. */
  readonly dns = new Map<string, string>()
  private readonly nodes: ReadonlyMap<string, SimulatedNode>
  private readonly cuts = new Set<string>()
  /** The node that answers at a virtual address. */
  readonly floating = new Map<string, SimulatedNode>()
  /** Virtual addresses that are announced to routers: they are on a loopback interface. */
  readonly routed = new Set<string>()

  constructor(nodes: ReadonlyMap<string, SimulatedNode>) {
    this.nodes = nodes
  }

  /** As getent: /etc/hosts first, then DNS; an address is its own answer. */
  resolve(node: SimulatedNode, name: string): string[] {
    if (isIP(name) !== 0) return [name]
    for (const line of (node.read('/etc/hosts') ?? '').split('\n')) {
      const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
      if (address && names.includes(name)) return [address]
    }
    const address = this.dns.get(name)
    return address === undefined ? [] : [address]
  }

  /** The address that a connection of that node really uses. */
  dialled(node: SimulatedNode, address: string): string {
    return isLoopback(address) ? node.address : address
  }

  at(address: string): SimulatedNode | undefined {
    const floating = this.floating.get(address)
    if (floating !== undefined) return floating
    return [...this.nodes.values()].find((node) => node.address === address || node.defaultAddress === address)
  }

  addressOf(name: string): string | undefined {
    return this.nodes.get(name)?.address
  }

  cut(a: string, b: string, isCut: boolean): void {
    const key = [a, b].sort().join(' ')
    if (isCut) this.cuts.add(key)
    else this.cuts.delete(key)
    if (isCut) this.dropForbidden()
  }

  isCut(a: SimulatedNode, b: SimulatedNode): boolean {
    return this.cuts.has([a.name, b.name].sort().join(' '))
  }

  /** Addresses that a node cannot reach now, for the agent of that node. */
  unreachableFrom(node: SimulatedNode): string[] {
    return [...this.nodes.values()]
      .filter((other) => other !== node && (!other.alive || this.isCut(node, other)))
      .flatMap(({ address, defaultAddress }) => [...new Set([address, defaultAddress])])
  }

  /** Whether a connection from this source may reach that node. Sources that are no node (the operator) always may. */
  mayPass(from: string | undefined, to: SimulatedNode): boolean {
    if (!to.alive) return false
    const node = from === undefined ? undefined : this.at(from.replace(/^::ffff:/, ''))
    return node === undefined || node === to || (node.alive && !this.isCut(node, to))
  }

  private dropForbidden(): void {
    for (const node of this.nodes.values()) {
      for (const { socket } of node.connections) {
        const peer = socket.remoteAddress === undefined ? undefined : this.at(socket.remoteAddress)
        if (peer !== undefined && peer !== node && this.isCut(node, peer)) socket.destroy()
      }
    }
  }
}

/** Tracks a server's sockets so that a power cut ends them too. */
export function trackSockets(
  server: { on(event: 'connection', listener: (socket: Socket) => void): unknown },
  mayPass: (socket: Socket) => boolean,
): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    if (!mayPass(socket)) return void socket.destroy()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
  })
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}
