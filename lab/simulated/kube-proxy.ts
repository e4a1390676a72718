import { parse } from 'yaml'
import type { Process } from './container-runtime.js'
import { KubeClient } from './kube-client.js'
import type { SimulatedNetwork } from './network.js'
import type { SimulatedNode } from './node.js'
import type { ServiceDoors } from './services.js'
import { keyOf, type ObjectStore } from './store.js'

/** Minimum interval between writes of its rules; a second on a real node (iptables.minSyncPeriod). */
const syncMs = 400

/**
 * kube-proxy: forwards the ports of Services. It reads its server from the ConfigMap when its pod starts, and keeps a connection to it; its
 * readiness does not depend on that connection.
 */
export class KubeProxy implements Process {
  private readonly node: SimulatedNode
  private readonly network: SimulatedNetwork
  private readonly store: ObjectStore
  private readonly doors: ServiceDoors
  private client: KubeClient | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(parts: { node: SimulatedNode; network: SimulatedNetwork; store: ObjectStore; doors: ServiceDoors }) {
    this.node = parts.node
    this.network = parts.network
    this.store = parts.store
    this.doors = parts.doors
  }

  async start(): Promise<void> {
    // ConfigMaps and the service account's CA reach the pod as files when it starts.
    const text = this.store.get(keyOf('configmaps', 'kube-system', 'kube-proxy'))?.data?.['kubeconfig.conf'] ?? ''
    const config = parse(text) as { clusters?: { cluster: { server: string } }[] } | null
    const server = config?.clusters?.[0]?.cluster.server ?? ''
    const ca = this.store.get(keyOf('configmaps', 'kube-system', 'kube-root-ca.crt'))?.data?.['ca.crt'] ?? ''
    const client = new KubeClient(
      { node: this.node, network: this.network, process: 'kube-proxy' },
      { server, ca, token: 'service-account:kube-proxy' },
    )
    this.client = client
    const look = (): void =>
      void client
        .request('GET', '/api/v1/services')
        .then(() => this.doors.keep())
        .catch(() => {})
    look()
    this.timer = setInterval(look, syncMs)
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    this.client?.close()
  }
}
