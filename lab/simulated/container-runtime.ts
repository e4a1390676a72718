import { randomBytes } from 'node:crypto'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import { ImageServiceService, RuntimeServiceService } from '@quorate/shared/gen/third_party/cri/api'
import type { SimulatedNode } from './node.js'

/** The message of Go's resolver without a network. */
export const noRegistry =
  'failed to do request: Head "https://registry.k8s.io/v2/": dial tcp: lookup registry.k8s.io: no such host'

/** What runs in a container. */
export interface Process {
  start(): Promise<void>
  /** Killed, as in a power cut, or terminated. */
  stop(killed: boolean): Promise<void>
  /** The result of its readiness probe; absent if it has none. */
  isReady?(): boolean
}

export interface ContainerSpec {
  readonly name: string
  readonly pod: string
  readonly namespace: string
  readonly image: string
  /** Identifies a version of the pod. */
  readonly podHash: string
  readonly isStatic: boolean
}

export interface ContainerRecord extends ContainerSpec {
  readonly id: string
  readonly sandboxId: string
  readonly attempt: number
  readonly createdAt: number
  running: boolean
  readonly process: Process
}

const socketPath = '/run/containerd/containerd.sock'

/** containerd in miniature: containers, images, and runtime.v1 over the node's unix socket. */
export class ContainerRuntime {
  containers: ContainerRecord[] = []
  readonly images = new Set<string>()
  private readonly node: SimulatedNode
  private server: Server | undefined

  constructor(node: SimulatedNode) {
    this.node = node
  }

  get answers(): boolean {
    return this.server !== undefined
  }

  async listen(): Promise<void> {
    this.node.folder('/run/containerd')
    this.node.remove(socketPath)
    const server = new Server()
    server.addService(RuntimeServiceService, {
      version: (_call: unknown, callback: Callback) =>
        callback(null, {
          version: '0.1.0',
          runtimeName: 'containerd',
          runtimeVersion: '1.7.2',
          runtimeApiVersion: 'v1',
        }),
      listContainers: (_call: unknown, callback: Callback) =>
        callback(null, { containers: this.containers.map(criContainer) }),
      stopContainer: ({ request }: { request: { containerId: string; timeout: string } }, callback: Callback) => {
        void this.stop(request.containerId, Number(request.timeout) === 0).then(() => callback(null, {}))
      },
    })
    server.addService(ImageServiceService, {
      listImages: (_call: unknown, callback: Callback) =>
        callback(null, { images: [...this.images].map((tag) => ({ id: `sha256:${tag}`, repoTags: [tag] })) }),
      pullImage: (call: { request: { image?: { image: string } } }, callback: Callback) => {
        const image = call.request.image?.image ?? ''
        if (this.node.faults.noRegistry)
          return callback({
            code: status.UNKNOWN,
            details: `failed to pull and unpack image "${image}": ${noRegistry}`,
          })
        this.images.add(image)
        callback(null, { imageRef: `sha256:${image}` })
      },
    })
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(`unix:${this.node.real(socketPath)}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    )
    this.server = server
  }

  close(): void {
    this.server?.forceShutdown()
    this.server = undefined
  }

  /** Starts a container; one of the same pod and name increments the attempt. */
  async run(spec: ContainerSpec, process: Process): Promise<ContainerRecord> {
    const before = this.containers.filter(({ pod, name }) => pod === spec.pod && name === spec.name)
    const last = before.at(-1)
    const samePod = last?.podHash === spec.podHash
    const record: ContainerRecord = {
      ...spec,
      id: randomBytes(32).toString('hex'),
      sandboxId: samePod && last !== undefined ? last.sandboxId : randomBytes(32).toString('hex'),
      attempt: samePod && last !== undefined ? last.attempt + 1 : 0,
      createdAt: Date.now(),
      running: true,
      process,
    }
    // The kubelet keeps one dead container of each.
    this.containers = [...this.containers.filter((c) => !before.includes(c) || c === last), record]
    await process.start().catch(() => this.stop(record.id))
    return record
  }

  async stop(id: string, killed = false): Promise<void> {
    const record = this.containers.find((container) => container.id === id)
    if (record?.running !== true) return
    record.running = false
    await record.process.stop(killed)
  }

  async removePod(pod: string): Promise<void> {
    const gone = this.containers.filter((container) => container.pod === pod)
    for (const { id } of gone) await this.stop(id)
    this.containers = this.containers.filter((container) => !gone.includes(container))
  }

  /** Power cut: nothing is stopped cleanly. */
  async stopAll(): Promise<void> {
    await Promise.all(this.containers.map(({ id }) => this.stop(id, true)))
  }
}

type Callback = (error: { readonly code: status; readonly details: string } | null, value?: object) => void

function criContainer(record: ContainerRecord): object {
  return {
    id: record.id,
    podSandboxId: record.sandboxId,
    metadata: { name: record.name, attempt: record.attempt },
    image: { image: record.image },
    imageRef: record.image,
    state: record.running ? 1 : 2,
    createdAt: String(BigInt(record.createdAt) * 1_000_000n),
    labels: {
      'io.kubernetes.container.name': record.name,
      'io.kubernetes.pod.name': record.pod,
      'io.kubernetes.pod.namespace': record.namespace,
      'io.kubernetes.pod.uid': record.sandboxId.slice(0, 32),
    },
    annotations: { 'io.kubernetes.container.restartCount': String(record.attempt) },
  }
}
