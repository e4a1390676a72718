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
import type { Site } from './site.js'
import { Units } from './units.js'
import { controlPlaneImages } from './versions.js'

/** Flags of kube-apiserver with a file without which it ends at once. */
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
  readonly units = new Units()
  haproxy: Haproxy | undefined
  /** Rules in the kernel: they outlive the kube-proxy that made them, not the power. */
  private readonly doors: ServiceDoors
  private kubelet: Kubelet | undefined
  private readonly site: Site

  constructor(site: Site, node: SimulatedNode) {
    this.site = site
    this.node = node
    this.runtime = new ContainerRuntime(node)
    this.doors = new ServiceDoors({ node, network: site.network, store: site.store })
    // As `kubeadm config images pull` leaves them, on a machine that was made for it.
    if (node.role === 'control-plane')
      for (const image of controlPlaneImages(site.release)) this.runtime.images.add(image)
    this.addUnits()
  }

  async boot(): Promise<void> {
    this.node.alive = true
    await this.units.boot()
  }

  /** As if the plug was pulled: nothing is told, every connection is gone. */
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

  private addLoadBalancer(): void {
    const { node, site, units } = this
    units.add(
      'haproxy',
      {
        start: async () => {
          this.haproxy = new Haproxy(node, site.network)
          await this.haproxy.start()
        },
        stop: async () => {
          await this.haproxy?.stop()
          this.haproxy = undefined
          await site.virtualAddresses.settle()
        },
        reload: async () => this.haproxy?.reload(),
      },
      false,
    )
    const keepalived = {
      start: async () => {
        site.virtualAddresses.start(node, () => this.haproxy)
        await site.virtualAddresses.settle()
      },
      stop: async () => {
        site.virtualAddresses.stop(node)
        await site.virtualAddresses.settle()
      },
    }
    units.add('keepalived', { ...keepalived, reload: keepalived.start }, false)
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

  /** Does not listen before its etcd answers: the real one gives up and is started again until then. */
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
      if (stopped) await server?.stop()
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
      stop: async () => {
        stopped = true
        await server?.stop()
      },
    }
  }
}
