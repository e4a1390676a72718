import { connect, createServer, type Server } from 'node:net'
import { microTime } from './api-server.js'
import type { Process } from './container-runtime.js'
import { credentialsOf, KubeClient } from './kube-client.js'
import { type SimulatedNetwork, trackSockets } from './network.js'
import type { Listening, SimulatedNode } from './node.js'
import type { PodManifest } from './pod-manifest.js'
import type { KubeObject } from './store.js'

interface KubeVipParts {
  readonly node: SimulatedNode
  readonly network: SimulatedNetwork
  readonly manifest: PodManifest
}

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
const lookEveryMs = 100

/**
 * kube-vip in miniature: competes for a Lease with the kubeconfig that its pod mounts, through the API server that its settings name. The holder's node
 * has the virtual IP. A real API server listens on every address; here it has one, so connections to the virtual IP are forwarded to it.
 */
export class KubeVip implements Process {
  private readonly parts: KubeVipParts
  private readonly env: ReadonlyMap<string, string>
  private readonly pid: number
  private client: KubeClient | undefined
  /** Milliseconds that this process has run, without its pauses: those are not failures of the API server. */
  private lived = 0
  private lookedAt = Date.now()
  private renewedAt = Number.NEGATIVE_INFINITY
  /** The last renewal by another holder, and when it was first seen: like client-go, which does not compare clocks. */
  private seen = { renewTime: '', at: 0 }
  private stopped = false
  private looking: NodeJS.Timeout | undefined
  private bound: { server: Server; drop: () => void; entry: Listening } | undefined
  private binding = false

  constructor(parts: KubeVipParts) {
    this.parts = parts
    this.pid = parts.node.newPid()
    const [container] = parts.manifest.spec.containers
    this.env = new Map((container?.env ?? []).map(({ name, value = '' }) => [name, value]))
  }

  async start(): Promise<void> {
    const { node, network } = this.parts
    const credentials = credentialsOf(node, node.must(this.kubeconfigPath()))
    const server = `https://${this.env.get('kubernetes_addr') ?? `kubernetes:${this.env.get('port')}`}`
    this.client = new KubeClient({ node, network, process: 'kube-vip', pid: this.pid }, { ...credentials, server })
    void this.elect()
    this.looking = setInterval(() => {
      this.lived += Math.min(Date.now() - this.lookedAt, 2 * lookEveryMs)
      this.lookedAt = Date.now()
      void this.settle()
    }, lookEveryMs)
  }

  /** As on SIGTERM: releases the Lease, so that another need not wait for its expiry. */
  async stop(): Promise<void> {
    const held = this.holdsLease()
    this.stopped = true
    clearInterval(this.looking)
    this.release()
    if (held) await this.giveUp().catch(() => {})
    this.client?.close()
  }

  /** Path on the node of what its pod mounts as its credentials. */
  private kubeconfigPath(): string {
    const { containers, volumes = [] } = this.parts.manifest.spec
    const mount = containers[0]?.volumeMounts?.find(({ mountPath }) => mountPath === '/etc/kubernetes/admin.conf')
    return volumes.find(({ name }) => name === mount?.name)?.hostPath?.path ?? '/nowhere'
  }

  private seconds(name: string): number {
    return Number(this.env.get(name)) * 1000
  }

  private holdsLease(): boolean {
    return !this.stopped && this.lived - this.renewedAt < this.seconds('vip_renewdeadline')
  }

  private async elect(): Promise<void> {
    while (!this.stopped) {
      const asked = this.lived
      if (await this.tryToHold().catch(() => false)) this.renewedAt = asked
      await new Promise((resolve) => setTimeout(resolve, this.seconds('vip_retryperiod')))
    }
  }

  private async tryToHold(): Promise<boolean> {
    const { client } = this
    const name = this.env.get('vip_leasename') ?? ''
    const seen = await client?.request('GET', `${leases}/${name}`)
    const holderIdentity = this.parts.node.name
    const leaseDurationSeconds = Number(this.env.get('vip_leaseduration'))
    const spec = { holderIdentity, leaseDurationSeconds, renewTime: microTime() }
    if (seen?.status === 404)
      return (await client?.request('POST', leases, { metadata: { name }, spec }))?.status === 201
    if (seen?.status !== 200 || this.stopped) return false
    const lease = seen.body as KubeObject
    const holder = lease.spec?.['holderIdentity']
    const renewTime = String(lease.spec?.['renewTime'])
    if (renewTime !== this.seen.renewTime) this.seen = { renewTime, at: this.lived }
    const age = this.lived - this.seen.at
    if (holder !== '' && holder !== holderIdentity && age < this.seconds('vip_leaseduration')) return false
    return (await client?.request('PUT', `${leases}/${name}`, { ...lease, spec }))?.status === 200
  }

  private async giveUp(): Promise<void> {
    const path = `${leases}/${this.env.get('vip_leasename')}`
    const lease = (await this.client?.request('GET', path))?.body as KubeObject | undefined
    if (lease?.spec?.['holderIdentity'] !== this.parts.node.name) return
    const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime() }
    await this.client?.request('PUT', path, { ...lease, spec })
  }

  private async settle(): Promise<void> {
    if (!this.holdsLease()) return this.release()
    if (this.bound !== undefined || this.binding) return
    this.binding = true
    // The previous holder may not have released it yet.
    await this.take().catch(() => {})
    this.binding = false
    if (!this.holdsLease()) this.release()
  }

  private async take(): Promise<void> {
    const { node, network } = this.parts
    const address = this.env.get('address') ?? ''
    const port = Number(this.env.get('port'))
    const server = createServer((client) => {
      const carried = connect({ host: node.address, port, localAddress: node.address })
      client.pipe(carried).pipe(client)
      client.on('error', () => carried.destroy()).on('close', () => carried.destroy())
      carried.on('error', () => client.destroy()).on('close', () => client.destroy())
    })
    const drop = trackSockets(server, (socket) => network.mayPass(socket.remoteAddress, node))
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve))
    const entry = { address, port, process: 'kube-apiserver', pid: this.pid }
    this.bound = { server, drop, entry }
    node.listening.add(entry)
    network.floating.set(address, node)
    if (this.env.get('vip_interface') === 'lo') network.routed.add(address)
  }

  private release(): void {
    const { node, network } = this.parts
    if (this.bound === undefined) return
    const { server, drop, entry } = this.bound
    this.bound = undefined
    server.close()
    drop()
    node.listening.delete(entry)
    if (network.floating.get(entry.address) === node) network.floating.delete(entry.address)
  }
}
