import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import {
  Container,
  type ImageServiceServer,
  ImageServiceService,
  type RuntimeServiceServer,
  RuntimeServiceService,
} from '@quorate/shared/gen/third_party/cri/api'

export interface ContainerRuntime {
  containers: Container[]
  images: string[]
  /** `id grace`, in order. */
  readonly stopped: string[]
  /** Told when a container is stopped: what the kubelet does then. */
  onStop: (id: string) => void
}

const running = 1
const exited = 2

export const container = (id: string, name: string, attempt = 0): Container =>
  Container.fromPartial({
    id,
    metadata: { name, attempt },
    image: { image: `registry.k8s.io/${name}:v1` },
    state: running,
    createdAt: '1795000000123456789',
    labels: { 'io.kubernetes.pod.name': `${name}-cp1`, 'io.kubernetes.pod.namespace': 'kube-system' },
  })

/** CRI runtime.v1 on a unix socket. */
export async function startContainerRuntime(
  t: { teardown(end: () => unknown): void },
  socket: string,
): Promise<ContainerRuntime> {
  const state: ContainerRuntime = { containers: [], images: [], stopped: [], onStop: () => {} }
  const server = new Server()
  const runtime: RuntimeServiceServer = {
    version: (_, callback) =>
      callback(null, { version: '0.1.0', runtimeName: 'containerd', runtimeVersion: '1.7.2', runtimeApiVersion: 'v1' }),
    listContainers: (_, callback) => callback(null, { containers: state.containers }),
    stopContainer: (call, callback) => {
      const { containerId, timeout } = call.request
      const found = state.containers.find(({ id }) => id === containerId)
      if (found === undefined)
        return callback({ code: status.NOT_FOUND, details: `container "${containerId}": not found` })
      found.state = exited
      state.stopped.push(`${containerId} ${timeout}`)
      state.onStop(containerId)
      callback(null, {})
    },
  }
  server.addService(RuntimeServiceService, runtime)
  const image: ImageServiceServer = {
    listImages: (_, callback) => callback(null, { images: state.images.map((tag) => ({ id: tag, repoTags: [tag] })) }),
    pullImage: (call, callback) => {
      state.images.push(call.request.image?.image ?? '')
      callback(null, { imageRef: 'sha256:1' })
    },
  }
  server.addService(ImageServiceService, image)
  mkdirSync(dirname(socket), { recursive: true })
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  )
  t.teardown(() => server.forceShutdown())
  return state
}
