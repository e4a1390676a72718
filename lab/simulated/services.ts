import { createServer, type Server, type Socket } from 'node:net'
import { carry } from './carry.js'
import { ClusterAddresses } from './cluster-addresses.js'
import { hostPort, splitHostPort } from './host-port.js'
import { type SimulatedNetwork, trackSockets } from './network.js'
import type { SimulatedNode } from './node.js'
import { type KubeObject, keyOf, type ObjectStore, resourceOf } from './store.js'

interface ServiceSpec {
  readonly type?: string
  readonly selector?: Readonly<Record<string, string>>
  readonly loadBalancerIP?: string
  readonly ports?: readonly { port: number; targetPort: number; nodePort?: number }[]
}

interface PodSpec {
  readonly nodeName?: string
}

const specOf = ({ spec }: KubeObject): ServiceSpec => (spec ?? {}) as ServiceSpec

/** The controllers of Services: endpoints are the ready pods; like MetalLB, one gives a LoadBalancer the address that it requests. */
export function keepServices(store: ObjectStore, network: SimulatedNetwork): void {
  for (const service of store.list(resourceOf('services'), 'kube-system')) {
    const { selector, type, loadBalancerIP, ports = [] } = specOf(service)
    const { name, namespace = '' } = service.metadata
    if (selector === undefined) continue
    const addresses = podsOf(store, selector)
      .map(({ spec }) => network.addressOf((spec as PodSpec).nodeName ?? ''))
      .filter((address) => address !== undefined)
    store.apply(keyOf('endpointslices', namespace, `${name}-1`), {
      metadata: {
        name: `${name}-1`,
        labels: {
          'kubernetes.io/service-name': name,
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
      },
      ports: ports.map(({ targetPort }) => ({ port: targetPort })),
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    })
    if (type === 'LoadBalancer' && loadBalancerIP !== undefined && service.status?.['loadBalancer'] === undefined)
      store.update(keyOf('services', namespace, name), {
        ...service,
        status: { loadBalancer: { ingress: [{ ip: loadBalancerIP }] } },
      })
  }
  const names = new Set(store.list(resourceOf('services'), 'kube-system').map(({ metadata }) => metadata.name))
  for (const { metadata } of store.list(resourceOf('endpointslices'), 'kube-system'))
    if (!names.has(metadata.labels?.['kubernetes.io/service-name'] ?? ''))
      store.remove(keyOf('endpointslices', 'kube-system', metadata.name))
}

function podsOf(store: ObjectStore, selector: Readonly<Record<string, string>>): KubeObject[] {
  const isReady = ({ status }: KubeObject): boolean =>
    ((status?.['conditions'] ?? []) as { type: string; status: string }[]).some(
      (one) => one.type === 'Ready' && one.status === 'True',
    )
  return store
    .list(resourceOf('pods'), 'kube-system')
    .filter(isReady)
    .filter(({ metadata }) => Object.entries(selector).every(([key, value]) => metadata.labels?.[key] === value))
}

interface Door {
  readonly server: Server
  readonly drop: () => void
}

/** What kube-proxy forwards on one node: NodePorts, and the address of a LoadBalancer on one of all nodes. */
export class ServiceDoors {
  private readonly node: SimulatedNode
  private readonly network: SimulatedNetwork
  private readonly store: ObjectStore
  private readonly doors = new Map<string, Door>()
  private readonly inner: ClusterAddresses
  private turn = 0

  constructor(parts: { node: SimulatedNode; network: SimulatedNetwork; store: ObjectStore }) {
    this.node = parts.node
    this.network = parts.network
    this.store = parts.store
    this.inner = new ClusterAddresses(parts)
  }

  /** Opens the ports of the present Services and closes the others. */
  async keep(): Promise<void> {
    await this.inner.sync()
    const wanted = new Map(
      this.store
        .list(resourceOf('services'), 'kube-system')
        .flatMap((service) => this.placesOf(service).map((place) => [place, service.metadata.name] as const)),
    )
    for (const place of this.doors.keys()) if (!wanted.has(place)) this.close(place)
    for (const [place, name] of wanted) if (!this.doors.has(place)) await this.open(place, name)
  }

  closeAll(): void {
    for (const place of [...this.doors.keys()]) this.close(place)
    this.inner.closeAll()
  }

  private placesOf(service: KubeObject): string[] {
    const { ports = [] } = specOf(service)
    const status = service.status?.['loadBalancer'] as { ingress?: { ip: string }[] } | undefined
    return ports.flatMap(({ port, nodePort }) => [
      ...(nodePort === undefined ? [] : [hostPort(this.node.address, nodePort)]),
      ...(status?.ingress ?? []).map(({ ip }) => hostPort(ip, port)),
    ])
  }

  /** An address in use belongs to another node: retried, because that node may die. */
  private async open(place: string, service: string): Promise<void> {
    const { host: address, port } = splitHostPort(place)
    const server = createServer((client) => this.carry(client, service))
    const drop = trackSockets(server, (socket) => this.network.mayPass(socket.remoteAddress, this.node))
    await new Promise<void>((resolve) => {
      server.once('error', () => resolve())
      server.listen(Number(port), address, () => {
        this.doors.set(place, { server, drop })
        resolve()
      })
    })
  }

  private close(place: string): void {
    const door = this.doors.get(place)
    door?.server.close()
    door?.drop()
    this.doors.delete(place)
  }

  private carry(client: Socket, service: string): void {
    const slice = this.store.get(keyOf('endpointslices', 'kube-system', `${service}-1`))
    const endpoints = (slice?.['endpoints'] ?? []) as { addresses: string[] }[]
    const [port] = (slice?.['ports'] ?? []) as { port: number }[]
    const host = endpoints[this.turn++ % Math.max(1, endpoints.length)]?.addresses[0]
    if (host === undefined || port === undefined) return void client.destroy()
    carry(client, { host, port: port.port, localAddress: this.node.address })
  }
}
