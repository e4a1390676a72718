import { createHash } from 'node:crypto'
import { symlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { readFlags } from '@quorate/shared/flags'
import { type KubeletPlaces, kubeletPlaces } from '@quorate/shared/kubelet-command'
import { parse } from 'yaml'
import { refusesAnonymous } from './api-access.js'
import { microTime } from './api-server.js'
import { type Identity, newKey, publicKeyPem } from './certificates.js'
import type { ContainerRecord, ContainerRuntime, Process } from './container-runtime.js'
import { credentialsOf, KubeClient } from './kube-client.js'
import { bootstrappedKubeletKubeconfig } from './kubeconfigs.js'
import { type SimulatedNetwork, trackSockets } from './network.js'
import type { Listening, SimulatedNode } from './node.js'
import { type PodManifest, readManifest } from './pod-manifest.js'
import { type KubeObject, keyOf, type ObjectStore, resourceOf } from './store.js'
import { unitCommand } from './unit-files.js'

export interface KubeletParts {
  readonly node: SimulatedNode
  readonly network: SimulatedNetwork
  readonly runtime: ContainerRuntime
  /** Read directly, in place of a watch. */
  readonly store: ObjectStore
  readonly version: string
  /** Serving certificate of port 10250. */
  readonly serving: Identity
  readonly makeProcess: (container: string, flags: ReadonlyMap<string, string>, manifest?: PodManifest) => Process
}

const renewEveryMs = 700
const syncEveryMs = 150

/** The kubelet: static pods and pods of its node, the node's lease and status; reads kubelet.conf when it starts, never later. */
export class Kubelet {
  private readonly parts: KubeletParts
  private client: KubeClient | undefined
  private server: Server | undefined
  private drop = (): void => {}
  private entry: Listening | undefined
  readonly pid: number
  /** From the command line with which systemd started it. */
  private readonly places: KubeletPlaces
  private readonly words: readonly string[]
  private stopped = false
  private lastContact = 0
  /** The container of each static pod as last reported to the API, and when. */
  private readonly mirrored = new Map<string, { id: string; ready: boolean; at: number }>()
  private readonly parsed = new Map<string, PodManifest | undefined>()
  private starting: Promise<void> | undefined
  private manifests: string | undefined
  /** From its flags at its start. */
  private readonly nodeName: string
  /** Consecutive refused probes of each container. */
  private readonly refused = new Map<string, number>()

  /** With serverTLSBootstrap every handshake fails until its request is approved; then it gets a signed certificate, as from csrsigning. */
  private hasServingCertificate = true

  constructor(parts: KubeletParts) {
    this.parts = parts
    this.pid = parts.node.newPid()
    this.words = unitCommand(parts.node, 'kubelet.service')
    this.places = kubeletPlaces(this.words)
    this.nodeName = parts.node.kubeletFlag('hostname-override') ?? parts.node.hostname
  }

  /** What its unit starts; fails without a configuration. */
  start(): void {
    if (!this.parts.node.exists(this.places.config))
      throw new Error(`failed to load kubelet config file, path: ${this.places.config}`)
    this.parts.node.write(this.commandLine, `${this.words.join('\0')}\0`, 0o444)
    this.starting = this.run()
    // Failures at the start show as a lease that is not renewed.
    this.starting.catch(() => {})
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.parts.node.remove(this.commandLine)
    this.client?.close()
    this.server?.close()
    this.drop()
    if (this.entry !== undefined) this.parts.node.listening.delete(this.entry)
  }

  private get commandLine(): string {
    return `/proc/${this.pid}/cmdline`
  }

  private async run(): Promise<void> {
    await this.listen()
    void this.loop(syncEveryMs, () => this.sync())
    while (!this.stopped && this.client === undefined) {
      await this.connect().catch(() => new Promise((resolve) => setTimeout(resolve, 300)))
    }
    await this.loop(renewEveryMs, () => this.renew())
  }

  private async loop(everyMs: number, once: () => Promise<void>): Promise<void> {
    while (!this.stopped) {
      await once().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
  }

  private async listen(): Promise<void> {
    const { node, network, serving } = this.parts
    const server = createServer({ cert: serving.cert, key: serving.key }, (request, response) => {
      response.writeHead(request.url === '/healthz' ? 200 : 401).end(request.url === '/healthz' ? 'ok' : 'Unauthorized')
    })
    server.on('tlsClientError', () => {})
    this.drop = trackSockets(
      server,
      (socket) => this.hasServingCertificate && network.mayPass(socket.remoteAddress, node),
    )
    while (!this.stopped) {
      const error = await new Promise<unknown>((resolve) =>
        server.once('error', resolve).listen(10250, node.address, () => resolve(undefined)),
      )
      if (error === undefined) break
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    this.server = server
    this.entry = { address: node.address, port: 10250, process: 'kubelet', pid: this.pid }
    node.listening.add(this.entry)
  }

  /** Reads kubelet.conf; with only bootstrap-kubelet.conf it asks for its certificate first. */
  private async connect(): Promise<void> {
    const { node, network } = this.parts
    const program = { node, network, process: 'kubelet', pid: this.pid }
    const { kubeconfig } = this.places
    if (!node.exists(kubeconfig)) await this.bootstrap()
    this.client = new KubeClient(program, credentialsOf(node, node.must(kubeconfig)))
  }

  private async bootstrap(): Promise<void> {
    const { node, network } = this.parts
    const credentials = credentialsOf(node, node.must('/etc/kubernetes/bootstrap-kubelet.conf'))
    const client = new KubeClient({ node, network, process: 'kubelet', pid: this.pid }, credentials)
    try {
      const key = await newKey()
      const name = `node-csr-${Math.random().toString(36).slice(2)}`
      const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
      const spec = {
        request: Buffer.from(publicKeyPem(key)).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        usages: ['digital signature', 'client auth'],
        extra: { nodeName: [this.nodeName] },
      }
      const made = await client.request('POST', path, { metadata: { name }, spec })
      if (made.status !== 201) throw new Error(`cannot create certificate signing request: ${made.status}`)
      for (let tries = 0; tries < 40; tries++) {
        const { body } = await client.request('GET', `${path}/${name}`)
        const signed = (body as KubeObject).status?.['certificate']
        if (typeof signed === 'string') {
          const pem = Buffer.from(signed, 'base64').toString() + key.export({ type: 'pkcs8', format: 'pem' }).toString()
          installClientCertificate(node, pem)
          node.write(
            this.places.kubeconfig,
            bootstrappedKubeletKubeconfig(credentials.server, credentials.ca ?? ''),
            0o600,
          )
          return
        }
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      throw new Error('certificate signing request was not answered')
    } finally {
      client.close()
    }
  }

  /** Its request waits for an approval that no controller grants (kubelet, certificate manager for serving). */
  private async askForServing(): Promise<void> {
    const { node, store } = this.parts
    if (
      this.client === undefined ||
      !/^serverTLSBootstrap: true$/m.test(node.read('/var/lib/kubelet/config.yaml') ?? '')
    )
      return
    const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
    const signerName = 'kubernetes.io/kubelet-serving'
    const username = `system:node:${this.nodeName}`
    const mine = () =>
      store
        .list(resourceOf('certificatesigningrequests'))
        .filter(({ spec }) => spec?.['signerName'] === signerName && spec['username'] === username)
    const isApproved = () =>
      mine().some(({ status }) => JSON.stringify(status?.['conditions'] ?? []).includes('"Approved"'))
    this.hasServingCertificate = isApproved()
    if (mine().length > 0) return
    const name = `csr-${Math.random().toString(36).slice(2, 7)}`
    await this.client.request('POST', path, {
      metadata: { name },
      spec: { signerName, username, usages: ['server auth'] },
    })
  }

  private async renew(): Promise<void> {
    const { node } = this.parts
    const client = this.client
    if (client === undefined) return
    if (node.faults.kubeletCannotRenew) {
      // Its watches still work.
      this.lastContact = Date.now()
      return
    }
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
    const spec = { holderIdentity: this.nodeName, leaseDurationSeconds: 40, renewTime: microTime() }
    const patched = await client.request(
      'PATCH',
      `${leases}/${this.nodeName}`,
      { spec },
      'application/merge-patch+json',
    )
    if (patched.status === 404) await client.request('POST', leases, { metadata: { name: this.nodeName }, spec })
    else if (patched.status !== 200) return
    this.lastContact = Date.now()
    await this.askForServing()
    const status = nodeStatus(this.parts)
    const told = await client.request(
      'PATCH',
      `/api/v1/nodes/${this.nodeName}/status`,
      { status },
      'application/merge-patch+json',
    )
    if (told.status === 404)
      await client.request('POST', '/api/v1/nodes', {
        metadata: nodeMetadata(this.nodeName, node.hostname),
        spec: nodeSpec(node),
        status,
      })
  }

  private async sync(): Promise<void> {
    await this.syncStaticPods()
    if (Date.now() - this.lastContact < 3000) await this.syncPods()
  }

  /** From its configuration at its start. */
  private staticPodPath(): string {
    this.manifests ??= (parse(this.parts.node.must(this.places.config)) as { staticPodPath: string }).staticPodPath
    return this.manifests
  }

  /** Every file that is not hidden, with any extension, like the real one. */
  private async syncStaticPods(): Promise<void> {
    const { node, runtime } = this.parts
    const wanted = new Set<string>()
    const manifests = this.staticPodPath()
    for (const file of node.list(manifests).filter((name) => !name.startsWith('.'))) {
      const text = node.read(`${manifests}/${file}`)
      const manifest = text === undefined ? undefined : this.manifestOf(text)
      if (text === undefined || manifest === undefined) continue
      wanted.add(`${manifest.metadata.name}-${this.nodeName}`)
      await this.ensureStaticPod(manifest, createHash('sha256').update(text).digest('hex'))
    }
    for (const { pod } of runtime.containers.filter(({ isStatic, pod }) => isStatic && !wanted.has(pod))) {
      await runtime.removePod(pod)
      this.parts.store
        .list(resourceOf('pods'), 'kube-system')
        .filter(({ metadata }) => metadata.name === pod)
        .forEach(({ metadata }) => {
          if (Date.now() - this.lastContact < 3000) this.parts.store.remove(keyOf('pods', 'kube-system', metadata.name))
        })
    }
  }

  /** Parses each text once: the folder is read several times a second. */
  private manifestOf(text: string): PodManifest | undefined {
    if (!this.parsed.has(text)) this.parsed.set(text, readManifest(text))
    return this.parsed.get(text)
  }

  private async ensureStaticPod(manifest: PodManifest, podHash: string): Promise<void> {
    const { runtime, makeProcess } = this.parts
    const pod = `${manifest.metadata.name}-${this.nodeName}`
    const [container] = manifest.spec.containers
    if (container === undefined) return
    const running = runtime.containers.find((record) => record.pod === pod && record.running)
    if (running?.podHash === podHash) {
      await this.probeLiveness(manifest, running)
      return this.publishMirror(manifest, pod, running)
    }
    if (running !== undefined) await runtime.removePod(pod)
    const spec = {
      name: container.name,
      pod,
      namespace: 'kube-system',
      image: container.image,
      podHash,
      isStatic: true,
    }
    await runtime.run(spec, makeProcess(container.name, flagsOf(container.command ?? []), manifest))
  }

  /** Probes carry no credentials: an API server that refuses them is killed and restarted again and again (kubernetes#43784). */
  private async probeLiveness({ spec }: PodManifest, { id, name }: ContainerRecord): Promise<void> {
    const [container] = spec.containers
    const { httpGet, failureThreshold = 3 } = container?.livenessProbe ?? {}
    if (name !== 'kube-apiserver' || httpGet === undefined) return
    const flags = flagsOf(container?.command ?? [])
    if (!refusesAnonymous(this.parts.node, flags, httpGet.path)) return
    const count = (this.refused.get(id) ?? 0) + 1
    this.refused.set(id, count)
    if (count >= failureThreshold) await this.parts.runtime.stop(id)
  }

  /** The mirror pod of a static pod in the API: if it is deleted, it is created again and nothing restarts. */
  private publishMirror({ metadata, spec }: PodManifest, pod: string, record: ContainerRecord): void {
    const { id, createdAt, process } = record
    const last = this.mirrored.get(pod)
    // Once ready it stays ready: an election is shorter than the three failures in a row that kubeadm's readiness probe needs.
    const ready = (last?.id === id && last.ready) || (process.isReady?.() ?? true)
    const isTold = last?.id === id && last.ready === ready && Date.now() - last.at < 2000
    if (Date.now() - this.lastContact > 3000 || isTold) return
    this.mirrored.set(pod, { id, ready, at: Date.now() })
    const { node, store } = this.parts
    const key = keyOf('pods', 'kube-system', pod)
    const present = store.get(key)
    const annotations = {
      ...metadata.annotations,
      'kubernetes.io/config.mirror': 'mirror',
      'kubernetes.io/config.source': 'file',
    }
    const startTime = present?.status?.['startTime'] as string | undefined
    const status = podStatus(node.address, { startTime, startedAt: createdAt, ready })
    store.apply(key, {
      metadata: { name: pod, labels: metadata.labels ?? {}, annotations },
      spec: { ...spec, nodeName: this.nodeName },
      status,
    })
  }

  private async syncPods(): Promise<void> {
    const { node, runtime, store, makeProcess } = this.parts
    const mine = store
      .list(resourceOf('pods'))
      .filter(
        ({ spec, metadata }) =>
          spec?.['nodeName'] === this.nodeName && metadata.annotations?.['kubernetes.io/config.source'] === undefined,
      )
    for (const pod of mine) {
      const name = pod.metadata.name
      const [container] = (pod.spec?.['containers'] ?? []) as { name: string; image: string }[]
      if (container === undefined) continue
      const running = runtime.containers.find((record) => record.pod === name && record.running)
      if (running === undefined) {
        const spec = {
          name: container.name,
          pod: name,
          namespace: 'kube-system',
          image: container.image,
          podHash: name,
          isStatic: false,
        }
        await runtime.run(spec, makeProcess(container.name, new Map()))
        continue
      }
      const isCrashing = node.faults.crashing?.includes(pod.metadata.labels?.['k8s-app'] ?? '') === true
      const isKnown = pod.status?.['phase'] === 'Running' && isBroken(pod) === isCrashing
      if (!isKnown) {
        const status = podStatus(node.address, {
          startTime: undefined,
          startedAt: running.createdAt,
          ready: !isCrashing,
        })
        store.apply(keyOf('pods', pod.metadata.namespace ?? '', name), {
          ...pod,
          status: isCrashing ? { ...status, containerStatuses: crashLoop } : status,
        })
      }
    }
    const names = new Set(mine.map(({ metadata }) => metadata.name))
    for (const { pod } of runtime.containers.filter(({ isStatic, pod }) => !isStatic && !names.has(pod)))
      await runtime.removePod(pod)
  }
}

/** Writes the rotated client certificate as the kubelet keeps it: a dated file and an absolute link to it. */
export function installClientCertificate(node: SimulatedNode, pem: string): void {
  const stamp = new Date().toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '-')
  const file = `/var/lib/kubelet/pki/kubelet-client-${stamp}.pem`
  node.write(file, pem, 0o600)
  node.remove('/var/lib/kubelet/pki/kubelet-client-current.pem')
  symlinkSync(file, node.real('/var/lib/kubelet/pki/kubelet-client-current.pem'))
}

/** As the components read them: the last of a repeated flag counts. */
const flagsOf = (command: readonly string[]): Map<string, string> =>
  new Map(readFlags(command).map(({ name, value }) => [name, value]))

const seconds = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')

interface Running {
  readonly startTime: string | undefined
  readonly startedAt: number
  readonly ready: boolean
}

/** As the kubelet reports a container that keeps failing. */
const crashLoop = [
  {
    ready: false,
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container' } },
  },
]

const isBroken = ({ status }: KubeObject): boolean => {
  const [container] = (status?.['containerStatuses'] ?? []) as { state?: { waiting?: object } }[]
  return container?.state?.waiting !== undefined
}

function podStatus(address: string, { startTime, startedAt, ready }: Running): Record<string, unknown> {
  const at = seconds(startedAt)
  return {
    phase: 'Running',
    hostIP: address,
    podIP: address,
    startTime: startTime ?? at,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at }],
    containerStatuses: [{ ready, state: { running: { startedAt: at } } }],
  }
}

function nodeMetadata(name: string, hostname: string): KubeObject['metadata'] {
  return {
    name,
    labels: { 'kubernetes.io/hostname': hostname, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
  }
}

/** With an external cloud provider a new Node has a taint until the provider has found its machine (kubelet, initialNode). */
const nodeSpec = (node: SimulatedNode): Record<string, unknown> =>
  node.kubeletFlag('cloud-provider') === 'external'
    ? { taints: [{ key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' }] }
    : {}

function nodeStatus({ node, version }: KubeletParts): Record<string, unknown> {
  const now = seconds(Date.now())
  return {
    addresses: [
      ...(node.kubeletFlag('node-ip') ?? node.defaultAddress)
        .split(',')
        .map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: node.hostname },
    ],
    conditions: [
      ...(node.faults.pressures ?? []).map((type) => ({ type, status: 'True', lastHeartbeatTime: now })),
      { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now },
    ],
    nodeInfo: {
      kubeletVersion: version,
      osImage: 'Debian GNU/Linux 12 (bookworm)',
      containerRuntimeVersion: 'containerd://1.7.2',
      machineID: (node.read('/etc/machine-id') ?? '').trim(),
    },
  }
}
