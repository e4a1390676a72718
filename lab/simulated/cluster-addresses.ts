import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { carry } from './carry.js'
import { hostPort } from './host-port.js'
import { type SimulatedNetwork, trackSockets } from './network.js'
import type { SimulatedNode } from './node.js'
import { type KubeObject, keyOf, type ObjectStore, resourceOf } from './store.js'
import { tellAgent } from './tell-agent.js'

interface Port {
  readonly port: number
  readonly protocol?: string
}

/** One address of a Service on one node, and its target as of the last sync. */
interface Way {
  readonly key: string
  /** Where connections to the address are accepted, on the node's own address. */
  readonly at: string
  readonly close: () => void
  endpoints: readonly string[]
  targetPort: number
}

/**
 * The cluster IPs of Services as kube-proxy's rules route them on one node. A machine does not have enough addresses for them, so each is
 * translated by the node's agent (node-preload.mjs) to a port that is opened here. The target is that of the last sync, and stays so
 * without a kube-proxy.
 */
export class ClusterAddresses {
  private readonly parts: {
    readonly node: SimulatedNode
    readonly network: SimulatedNetwork
    readonly store: ObjectStore
  }
  private readonly ways = new Map<string, Way>()
  private turn = 0
  private syncing: Promise<void> | undefined

  constructor(parts: ClusterAddresses['parts']) {
    this.parts = parts
  }

  /** One at a time: a concurrent caller waits for the end. */
  sync(): Promise<void> {
    this.syncing ??= this.follow().finally(() => {
      this.syncing = undefined
    })
    return this.syncing
  }

  private async follow(): Promise<void> {
    const { store } = this.parts
    const services = ['default', 'kube-system'].flatMap((namespace) => store.list(resourceOf('services'), namespace))
    const wanted = new Set<string>()
    for (const service of services) {
      const { clusterIP, ports = [] } = (service.spec ?? {}) as { clusterIP?: string; ports?: readonly Port[] }
      const [first] = ports
      if (clusterIP === undefined || clusterIP === 'None' || first === undefined) continue
      const key = `${first.protocol === 'UDP' ? 'udp' : 'tcp'} ${hostPort(clusterIP, first.port)}`
      wanted.add(key)
      await this.lead(key, service)
    }
    for (const [key, way] of this.ways) {
      if (wanted.has(key)) continue
      way.close()
      this.ways.delete(key)
    }
    this.tellAgent()
  }

  closeAll(): void {
    for (const way of this.ways.values()) way.close()
    this.ways.clear()
    this.tellAgent()
  }

  private async lead(key: string, service: KubeObject): Promise<void> {
    const { name, namespace = '' } = service.metadata
    const slice =
      this.parts.store.get(keyOf('endpointslices', namespace, name)) ??
      this.parts.store.get(keyOf('endpointslices', namespace, `${name}-1`))
    const endpoints = ((slice?.['endpoints'] ?? []) as { addresses: string[] }[]).flatMap(({ addresses }) => addresses)
    const [port] = (slice?.['ports'] ?? []) as { port: number }[]
    const way = this.ways.get(key) ?? (await (key.startsWith('udp') ? this.openUdp(key) : this.openTcp(key)))
    Object.assign(way, { endpoints, targetPort: port?.port ?? 0 })
    this.ways.set(key, way)
  }

  private next({ endpoints }: Way): string | undefined {
    return endpoints[this.turn++ % Math.max(1, endpoints.length)]
  }

  private async openTcp(key: string): Promise<Way> {
    const { node, network } = this.parts
    const server = createServer((client) => {
      const way = this.ways.get(key)
      const host = way === undefined ? undefined : this.next(way)
      if (way === undefined || host === undefined) return void client.destroy()
      carry(client, { host, port: way.targetPort, localAddress: node.address })
    })
    const drop = trackSockets(server, (socket) => network.mayPass(socket.remoteAddress, node))
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, node.address, resolve))
    const close = (): void => {
      server.close()
      drop()
    }
    return {
      key,
      at: hostPort(node.address, (server.address() as AddressInfo).port),
      close,
      endpoints: [],
      targetPort: 0,
    }
  }

  /** CoreDNS in miniature: an answer without records, from a pod on a live and reachable machine. */
  private async openUdp(key: string): Promise<Way> {
    const { node, network } = this.parts
    const socket = createSocket(node.address.includes(':') ? 'udp6' : 'udp4')
    socket.on('message', (question, { address, port }) => {
      const way = this.ways.get(key)
      const host = way === undefined ? undefined : this.next(way)
      const target = host === undefined ? undefined : network.at(host)
      if (target === undefined || !target.alive || network.isCut(node, target)) return
      const answer = Buffer.from(question)
      answer.writeUInt16BE(0x8180, 2)
      socket.send(answer, port, address)
    })
    socket.on('error', () => {})
    await new Promise<void>((resolve) => socket.bind(0, node.address, resolve))
    return {
      key,
      at: hostPort(node.address, socket.address().port),
      close: () => socket.close(),
      endpoints: [],
      targetPort: 0,
    }
  }

  private tellAgent(): void {
    const { root, name } = this.parts.node
    const lines = [...this.ways.values()].map(({ key, at }) => `${key} ${at}`)
    tellAgent(join(dirname(root), 'faults'), name, 'services', lines)
  }
}
