import { ApiServer } from './api-server.js'
import { ContainerRuntime, type Process } from './container-runtime.js'
import { ElectedComponent } from './controller-manager.js'
import { EtcdProcess } from './etcd-process.js'
import { Haproxy } from './haproxy.js'
import { KubeProxy } from './kube-proxy.js'
import { KubeVip } from './kube-vip.js'
import { Kubelet } from './kubelet.js'
import type { SimulatedNode } from './node.js'
import type { PodManifest } from './pod-manifest.js'
import { ServiceDoors } from './services.js'
import type { SiteParts } from './site-parts.js'
import { type UnitService, Units } from './units.js'
import { controlPlaneImages } from './versions.js'

/** Flags of kube-apiserver that name a file; without the file it exits at once. */
const readAtStart = [
  'tls-cert-file',
  'etcd-cafile',
  'etcd-certfile',
  'etcd-keyfile',
  'audit-policy-file',
  'encryption-provider-config',
  'authentication-config',
  'admission-control-config-file',
  'oidc-ca-file',
]

/** One node with what runs on it: container runtime, systemd's units, the kubelet and the load balancer's programs. */
export class Machine {
  readonly node: SimulatedNode
  readonly runtime: ContainerRuntime
  readonly units: Units
  /** By their units. */
  private readonly haproxies = new Map<string, Haproxy>()
  /** Rules in the kernel: they outlive the kube-proxy that made them, not the power. */
  private readonly doors: ServiceDoors
  private kubelet: Kubelet | undefined
  private readonly site: SiteParts

  constructor(site: SiteParts, node: SimulatedNode) {
    this.site = site
    this.node = node
    this.runtime = new ContainerRuntime(node)
    this.units = new Units({
      read: (unit) => node.read(`/etc/systemd/system/${unit}`),
      serviceOf: (unit, text) => this.serviceOf(unit.replace(/\.service$/, ''), text),
    })
    this.doors = new ServiceDoors({ node, network: site.network, store: site.store })
    // As after `kubeadm config images pull`.
    if (node.role === 'control-plane')
      for (const image of controlPlaneImages(site.release)) this.runtime.images.add(image)
    this.addUnits()
  }

  async boot(): Promise<void> {
    this.node.alive = true
    await this.units.boot()
  }

  /** A power cut: no notice, every connection is gone. */
  async cutPower(): Promise<void> {
    this.node.alive = false
    await this.units.cutPower()
    await this.runtime.stopAll()
    this.doors.closeAll()
    for (const { socket } of this.node.connections) socket.destroy()
    this.node.listening.clear()
    // tmpfs
    this.node.remove('/run/quorate-agent')
  }

  private addUnits(): void {
    const { node, units } = this
    if (node.role !== 'load-balancer') this.addKubelet()
    units.add('quorate-agent', undefined, true)
    if (node.balances) this.addLoadBalancer()
  }

  private addKubelet(): void {
    const { units } = this
    units.add('containerd', { start: () => this.runtime.listen(), stop: async () => this.runtime.close() }, true)
    units.add(
      'kubelet',
      {
        start: async () => this.startKubelet(),
        stop: async () => this.kubelet?.stop(),
        autoRestart: true,
        pid: () => this.kubelet?.pid,
      },
      true,
    )
  }

  /** The services of the packages; others exist if they have a unit file. */
  private addLoadBalancer(): void {
    this.units.add('haproxy', this.haproxyService('haproxy', '/etc/haproxy/haproxy.cfg'), false)
    this.units.add('keepalived', this.keepalivedService('keepalived', '/etc/keepalived/keepalived.conf'), false)
  }

  /** What a unit file starts: haproxy or keepalived with a configuration of its own. */
  private serviceOf(unit: string, unitFile: string): UnitService | undefined {
    const [, program, options = ''] = /^ExecStart=\/usr\/sbin\/(haproxy|keepalived)\s(.*)$/m.exec(unitFile) ?? []
    const path = /(?:-f |--use-file=)(\S+)/.exec(options)?.[1]
    if (path === undefined || !this.node.balances) return undefined
    return program === 'haproxy' ? this.haproxyService(unit, path) : this.keepalivedService(unit, path)
  }

  private haproxyService(unit: string, configPath: string): UnitService {
    const { node, site } = this
    return {
      start: async () => {
        const haproxy = new Haproxy(node, site.network, configPath)
        this.haproxies.set(unit, haproxy)
        await haproxy.start()
      },
      stop: async () => {
        await this.haproxies.get(unit)?.stop()
        this.haproxies.delete(unit)
        await site.virtualAddresses.settle()
      },
      reload: async () => this.haproxies.get(unit)?.reload(),
    }
  }

  private keepalivedService(unit: string, configPath: string): UnitService {
    const { node, site } = this
    const start = async (): Promise<void> => {
      const haproxy = () => this.haproxies.get(unit.replace('keepalived', 'haproxy'))
      site.virtualAddresses.start(node, { unit, configPath, haproxy })
      await site.virtualAddresses.settle()
    }
    return {
      start,
      stop: async () => {
        site.virtualAddresses.stop(node, unit)
        await site.virtualAddresses.settle()
      },
      reload: start,
    }
  }

  private startKubelet(): void {
    const { node, runtime, site } = this
    this.kubelet = new Kubelet({
      node,
      runtime,
      network: site.network,
      store: site.store,
      version: site.release.version,
      serving: site.kubeletServing,
      makeProcess: (container, flags, manifest) => this.makeProcess(container, flags, manifest),
    })
    this.kubelet.start()
  }

  private makeProcess(container: string, flags: ReadonlyMap<string, string>, manifest?: PodManifest): Process {
    const { node, site } = this
    const { network, etcd, store, release } = site
    if (container === 'etcd')
      return new EtcdProcess({ node, network, cluster: etcd, flags, version: release.etcdVersion })
    if (container === 'kube-apiserver') return this.apiServer(flags)
    if (container === 'kube-controller-manager' || container === 'kube-scheduler') {
      return new ElectedComponent({ node, network, etcd, flags, component: container })
    }
    if (container === 'kube-vip' && manifest !== undefined) return new KubeVip({ node, network, manifest })
    if (container === 'kube-proxy') return new KubeProxy({ node, network, store, doors: this.doors })
    return { start: async () => {}, stop: async () => {} }
  }

  /** Does not listen before its etcd answers: the real one exits and is restarted until then. */
  private apiServer(flags: ReadonlyMap<string, string>): Process {
    const { node, site } = this
    let server: ApiServer | undefined
    let stopped = false
    const begin = async (): Promise<void> => {
      while (!stopped && site.etcd.memberFor(node)?.serving !== true)
        await new Promise((resolve) => setTimeout(resolve, 50))
      while (!stopped && server === undefined) {
        const next = new ApiServer({
          node,
          network: site.network,
          etcd: site.etcd,
          flags,
          version: site.release.version,
        })
        await next.start().then(
          () => {
            server = next
          },
          () => new Promise((resolve) => setTimeout(resolve, 200)),
        )
      }
      if (stopped) await server?.stop(true)
    }
    return {
      start: async () => {
        const missing = readAtStart
          .map((flag) => flags.get(flag))
          .find((path) => path !== undefined && !node.exists(path))
        if (missing !== undefined) throw new Error(`open ${missing}: no such file or directory`)
        void begin().catch(() => {})
      },
      isReady: () => server?.isReady() === true,
      stop: async (killed) => {
        stopped = true
        await server?.stop(killed)
      },
    }
  }
}
