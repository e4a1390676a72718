import { microTime } from './api-server.js'
import type { KubeClient } from './kube-client.js'
import type { KubeObject } from './store.js'

const renewEveryMs = 400
/** After this the lease of another counts as lost; 15 s on a real cluster. */
const leaseMs = 2000

/** Leader election of controller-manager and scheduler by their lease, through the server of their kubeconfig. */
export class LeaderLease {
  isLeader = false
  private readonly path: string
  private readonly name: string
  private readonly identity: string
  private readonly client: KubeClient
  private stopped = false

  constructor(client: KubeClient, name: string, identity: string) {
    this.client = client
    this.name = name
    this.identity = identity
    this.path = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases'
  }

  async run(): Promise<void> {
    while (!this.stopped) {
      this.isLeader = await this.tryToHold().catch(() => false)
      await new Promise((resolve) => setTimeout(resolve, renewEveryMs))
    }
  }

  stop(): void {
    this.stopped = true
    this.isLeader = false
  }

  private async tryToHold(): Promise<boolean> {
    const { status, body } = await this.client.request('GET', `${this.path}/${this.name}`)
    const spec = { holderIdentity: this.identity, leaseDurationSeconds: 15, renewTime: microTime() }
    if (status === 404)
      return (await this.client.request('POST', this.path, { metadata: { name: this.name }, spec })).status === 201
    if (status !== 200 || this.stopped) return false
    const lease = body as KubeObject
    const holder = lease.spec?.['holderIdentity'] ?? ''
    const age = Date.now() - Date.parse(String(lease.spec?.['renewTime']))
    if (holder !== '' && holder !== this.identity && age < leaseMs) return false
    return (await this.client.request('PUT', `${this.path}/${this.name}`, { ...lease, spec })).status === 200
  }
}
