import { credentials } from '@grpc/grpc-js'
import { boundedClient } from '@quorate/shared/answer-bounds'
import { QuorateError } from '@quorate/shared/errors'
import type { ContainerFacts } from '@quorate/shared/gen/quorate/v1/facts'
import {
  type Container,
  ImageServiceClient,
  type ListContainersResponse,
  type ListImagesResponse,
  RuntimeServiceClient,
  type VersionResponse,
} from '@quorate/shared/gen/third_party/cri/api'
import type { CriClient } from './cri.js'
import { grpcReason, unary } from './grpc-call.js'
import type { Host } from './host.js'

const BoundedRuntime = boundedClient(RuntimeServiceClient)
const BoundedImages = boundedClient(ImageServiceClient)
const answerMs = 10_000
const pullMs = 15 * 60_000
const states = ['created', 'running', 'exited', 'unknown'] as const

/** A node runs a few hundred pods, and its runtime keeps some containers that have ended. */
const mostListed = 10_000
/** Names of Kubernetes, ids, image references and versions: all of ASCII, the longest of them references with a digest. */
const plain = /^[\x20-\x7e]{0,1000}$/

/** An answer goes to the coordinator, into logs, and its ids back to the runtime: one that no sound runtime gives is refused as a whole. */
function requireFew(what: string, all: readonly unknown[]): void {
  if (all.length > mostListed) throw new Error(`${all.length} ${what}, more than ${mostListed}`)
}

function requirePlain(what: string, all: readonly string[]): void {
  const odd = all.find((text) => !plain.test(text))
  if (odd !== undefined) throw new Error(`${what}: ${odd.length} characters that are no name: "${odd.slice(0, 80)}"`)
}

/** A container as the runtime lists it; pod and namespace from the kubelet's labels (k8s.io/kubelet, types/labels.go). */
function containerFacts(container: Container): ContainerFacts {
  return {
    id: container.id,
    name: container.metadata?.name ?? container.labels['io.kubernetes.container.name'] ?? '',
    pod: container.labels['io.kubernetes.pod.name'] ?? '',
    namespace: container.labels['io.kubernetes.pod.namespace'] ?? '',
    state: states[container.state] ?? 'unknown',
    createdUnixMs: Number(BigInt(container.createdAt) / 1_000_000n),
    attempt: container.metadata?.attempt ?? 0,
    image: container.image?.image ?? container.imageRef,
  }
}

/** What the runtime at that socket answers; CONTAINER_RUNTIME_REFUSED with what was asked and why it failed. */
const answersAt =
  (where: string) =>
  <T>(doing: string, answer: Promise<T>): Promise<T> =>
    answer.catch((cause: unknown) => {
      throw new QuorateError('CONTAINER_RUNTIME_REFUSED', `${doing}: ${grpcReason(cause)}`, { where, cause })
    })

function versionOf({ runtimeName, runtimeVersion }: VersionResponse): string {
  requirePlain('name and version', [runtimeName, runtimeVersion])
  return `${runtimeName} ${runtimeVersion}`
}

function containersOf({ containers }: ListContainersResponse): ContainerFacts[] {
  requireFew('containers', containers)
  const all = containers.map(containerFacts)
  requirePlain(
    'containers',
    all.flatMap(({ id, name, pod, namespace, image }) => [id, name, pod, namespace, image]),
  )
  return all
}

function tagsOf({ images }: ListImagesResponse): string[] {
  const tags = images.flatMap(({ repoTags }) => repoTags)
  requireFew('tags of images', tags)
  requirePlain('tags of images', tags)
  return tags
}

/**
 * The container runtime at a unix socket (`/run/containerd/containerd.sock`, with or without `unix://`). Dials with the first call;
 * a runtime that does not answer or refuses is CONTAINER_RUNTIME_REFUSED. The caller closes it.
 */
export function connectCri(host: Host, socket: string): CriClient {
  const address = `unix:${host.realPath(socket.replace(/^unix:(\/\/)?/, ''))}`
  const runtime = new BoundedRuntime(address, credentials.createInsecure())
  const image = new BoundedImages(address, credentials.createInsecure())
  const said = answersAt(socket)
  return {
    async version(signal) {
      const call = unary(runtime.version.bind(runtime), { version: 'v1' }, { deadlineMs: answerMs, signal })
      return said('asking the runtime for its version', call.then(versionOf))
    },
    async containers(names, signal) {
      const call = unary(runtime.listContainers.bind(runtime), { filter: undefined }, { deadlineMs: answerMs, signal })
      const all = await said('listing containers', call.then(containersOf))
      return all.filter(({ name }) => names.length === 0 || names.includes(name))
    },
    async stopContainer(id, graceSeconds, signal) {
      const request = { containerId: id, timeout: String(graceSeconds) }
      const call = unary(runtime.stopContainer.bind(runtime), request, {
        deadlineMs: graceSeconds * 1000 + answerMs,
        signal,
      })
      await said(`stopping container ${id}`, call)
    },
    async images(signal) {
      const call = unary(image.listImages.bind(image), { filter: undefined }, { deadlineMs: answerMs, signal })
      return said('listing images', call.then(tagsOf))
    },
    async pullImage(reference, signal) {
      const call = unary(image.pullImage.bind(image), { image: { image: reference } }, { deadlineMs: pullMs, signal })
      await said(`pulling image ${reference}`, call)
    },
    close() {
      runtime.close()
      image.close()
    },
  }
}
