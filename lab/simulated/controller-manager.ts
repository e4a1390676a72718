import { createHmac, createPublicKey, randomUUID } from 'node:crypto'
import { issue } from './certificates.js'
import type { Process } from './container-runtime.js'
import type { EtcdCluster } from './etcd-cluster.js'
import { credentialsOf, KubeClient } from './kube-client.js'
import { LeaderLease } from './leader-lease.js'
import type { SimulatedNetwork } from './network.js'
import type { SimulatedNode } from './node.js'
import { keepServices } from './services.js'
import { type KubeObject, keyOf, type ObjectStore, resourceOf } from './store.js'
import { rollCoreDns, rollDaemonSets } from './workloads.js'

export interface ElectedParts {
  readonly node: SimulatedNode
  readonly network: SimulatedNetwork
  readonly etcd: EtcdCluster
  readonly flags: ReadonlyMap<string, string>
  /** `kube-controller-manager` or `kube-scheduler`. */
  readonly component: string
}

/** Controller-manager and scheduler: read their kubeconfig at their start, hold their lease; the first runs the controllers while it leads. */
export class ElectedComponent implements Process {
  private readonly parts: ElectedParts
  private client: KubeClient | undefined
  private lease: LeaderLease | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(parts: ElectedParts) {
    this.parts = parts
  }

  async start(): Promise<void> {
    const { node, network, component, flags } = this.parts
    const credentials = credentialsOf(node, node.must(flags.get('kubeconfig') ?? ''))
    this.client = new KubeClient({ node, network, process: component.slice(0, 15) }, credentials)
    this.lease = new LeaderLease(this.client, component, `${node.hostname}_${randomUUID()}`)
    void this.lease.run()
    if (component === 'kube-controller-manager') this.timer = setInterval(() => this.control(), 120)
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    this.lease?.stop()
    this.client?.close()
  }

  private control(): void {
    const { etcd, node, flags } = this.parts
    if (this.lease?.isLeader !== true) return
    try {
      etcd.requireQuorum(node)
    } catch {
      return
    }
    const { store } = etcd
    signClusterInfo(store)
    cleanTokens(store)
    watchNodes(store)
    rollDaemonSets(store)
    rollCoreDns(store)
    keepServices(store, this.parts.network)
    const [cert, key] = [
      node.read(flags.get('cluster-signing-cert-file') ?? ''),
      node.read(flags.get('cluster-signing-key-file') ?? ''),
    ]
    if (cert !== undefined && key !== undefined) signRequests(store, { cert, key })
  }
}

const decoded = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString()
const base64url = (text: string | Buffer): string => Buffer.from(text).toString('base64url')

/** Detached JWS over cluster-info's kubeconfig, as the bootstrap signer makes it (k8s.io/cluster-bootstrap, token/jws). */
export function signatureOf(kubeconfig: string, tokenId: string, tokenSecret: string): string {
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: tokenId }))
  const mac = createHmac('sha256', tokenSecret)
    .update(`${header}.${base64url(kubeconfig)}`)
    .digest()
  return `${header}..${base64url(mac)}`
}

function tokens(
  store: ObjectStore,
): { object: KubeObject; id: string; secret: string; signing: boolean; expired: boolean }[] {
  const secrets = store
    .list(resourceOf('secrets'), 'kube-system')
    .filter(({ type }) => type === 'bootstrap.kubernetes.io/token')
  return secrets.map((object) => {
    const expiration = decoded(object.data?.['expiration'])
    return {
      object,
      id: decoded(object.data?.['token-id']),
      secret: decoded(object.data?.['token-secret']),
      signing: decoded(object.data?.['usage-bootstrap-signing']) === 'true',
      expired: expiration !== '' && Date.parse(expiration) <= Date.now(),
    }
  })
}

/** bootstrapsigner: a signature for each token that may sign, none for others. */
function signClusterInfo(store: ObjectStore): void {
  const key = keyOf('configmaps', 'kube-public', 'cluster-info')
  const map = store.get(key)
  const kubeconfig = map?.data?.['kubeconfig']
  if (map === undefined || kubeconfig === undefined) return
  const others = Object.entries(map.data ?? {}).filter(([name]) => !name.startsWith('jws-kubeconfig-'))
  const signatures = tokens(store)
    .filter(({ signing, expired }) => signing && !expired)
    .map(({ id, secret }) => [`jws-kubeconfig-${id}`, signatureOf(kubeconfig, id, secret)])
  const data = Object.fromEntries([...others, ...signatures])
  const same = JSON.stringify(Object.entries(data).sort()) === JSON.stringify(Object.entries(map.data ?? {}).sort())
  if (!same) store.update(key, { ...map, data })
}

/** tokencleaner, and the garbage collection of what an expired token owned (kubeadm-certs). */
function cleanTokens(store: ObjectStore): void {
  for (const { object, expired } of tokens(store)) {
    if (expired) store.remove(keyOf('secrets', 'kube-system', object.metadata.name))
  }
  const certs = store.get(keyOf('secrets', 'kube-system', 'kubeadm-certs'))
  const [owner] = (certs?.metadata.ownerReferences ?? []) as { name: string }[]
  if (owner !== undefined && store.get(keyOf('secrets', 'kube-system', owner.name)) === undefined) {
    store.remove(keyOf('secrets', 'kube-system', 'kubeadm-certs'))
  }
}

/** A node with an old lease is no longer Ready; 40 s on a real cluster. */
const graceMs = 10_000

function watchNodes(store: ObjectStore): void {
  for (const node of store.list(resourceOf('nodes'))) {
    const lease = store.get(keyOf('leases', 'kube-node-lease', node.metadata.name))
    const age = Date.now() - Date.parse(String(lease?.spec?.['renewTime'] ?? node.metadata.creationTimestamp))
    const [ready] = (node.status?.['conditions'] ?? []) as { status: string }[]
    if (ready === undefined || ready.status !== 'True' || age < graceMs) continue
    const conditions = [{ ...ready, status: 'Unknown', reason: 'NodeStatusUnknown' }]
    store.apply(keyOf('nodes', '', node.metadata.name), { ...node, status: { ...node.status, conditions } })
  }
}

/** csrsigning with the auto-approval of kubeadm's bootstrap group. */
function signRequests(store: ObjectStore, ca: { cert: string; key: string }): void {
  for (const request of store.list(resourceOf('certificatesigningrequests'))) {
    if (request.status?.['certificate'] !== undefined) continue
    // All others wait for an operator's approval.
    if (request.spec?.['signerName'] !== 'kubernetes.io/kube-apiserver-client-kubelet') continue
    const spec = request.spec as { request: string; extra: { nodeName: string[] } }
    const publicKey = createPublicKey(decoded(spec.request))
    const commonName = `system:node:${spec.extra.nodeName[0] ?? ''}`
    const { cert } = issue({ commonName, organizations: ['system:nodes'], usage: 'client' }, publicKey, ca)
    const status = {
      conditions: [{ type: 'Approved', status: 'True' }],
      certificate: Buffer.from(cert).toString('base64'),
    }
    store.apply(keyOf('certificatesigningrequests', '', request.metadata.name), { ...request, status })
  }
}
