import { Server, ServerCredentials } from '@grpc/grpc-js'
import { ImageServiceService } from '@quorate/shared/gen/third_party/cri/api'
import t from 'tap'
import { listControlPlaneImages } from '../../../../agent/src/ops/list-control-plane-images.js'
import { pullImages } from '../../../../agent/src/ops/pull-images.js'
import { OpsNode, rejected } from '../../../support/ops-node.js'

const request = { kubernetesVersion: 'v1.37.2', imageRepository: 'registry.k8s.io', also: [] }

/** The image half of a container runtime at the node's socket. */
async function imageService(t: Parameters<typeof OpsNode.make>[0], node: OpsNode, present: string[]): Promise<void> {
  const server = new Server()
  const none = () => undefined
  server.addService(ImageServiceService, {
    listImages: (_call: unknown, answer: (error: null, value: object) => void) =>
      answer(null, { images: present.map((image) => ({ id: image, repoTags: [image], repoDigests: [], size: '1' })) }),
    pullImage: (call: { request: { image: { image: string } } }, answer: (error: null, value: object) => void) => {
      present.push(call.request.image.image)
      answer(null, { imageRef: call.request.image.image })
    },
    imageStatus: none,
    removeImage: none,
    imageFsInfo: none,
    streamImages: none,
  } as never)
  node.write('/run/containerd/keep', '')
  const address = `unix:${node.path('/run/containerd/containerd.sock')}`
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  )
  t.teardown(() => server.forceShutdown())
}

t.test('pulls what is missing, once', async (t) => {
  const node = await OpsNode.make(t)
  const present = ['registry.k8s.io/pause:3.10']
  await imageService(t, node, present)
  const result = await node.change(pullImages, request)
  t.match(result.facts, { images: '2', pulled: '1' })
  t.strictSame(present, ['registry.k8s.io/pause:3.10', 'registry.k8s.io/kube-apiserver:v1.37.2'])
  t.match(node.read('/run/images-asked'), '--kubernetes-version=v1.37.2 --image-repository=registry.k8s.io')
  t.equal((await node.change(pullImages, request)).unchanged, true)
  await node.change(pullImages, { ...request, also: ['example.com/kube-vip:v0.8.9'] })
  t.equal(present.at(-1), 'example.com/kube-vip:v0.8.9', 'what a load balancer needs there comes with them')
})

t.test('which are missing is told without pulling any', async (t) => {
  const node = await OpsNode.make(t)
  const present = ['registry.k8s.io/pause:3.10']
  await imageService(t, node, present)
  t.same(await listControlPlaneImages.run(request, node.tools, new AbortController().signal), {
    wanted: ['registry.k8s.io/kube-apiserver:v1.37.2', 'registry.k8s.io/pause:3.10'],
    missing: ['registry.k8s.io/kube-apiserver:v1.37.2'],
  })
  t.same(present, ['registry.k8s.io/pause:3.10'])
})

t.test('kubeadm or the request at fault', async (t) => {
  const node = await OpsNode.make(t)
  const refusal = async (change: object) => (await rejected(node.change(pullImages, { ...request, ...change }))).code
  t.equal(await refusal({ kubernetesVersion: 'latest' }), 'INVALID_REQUEST')
  t.equal(await refusal({ imageRepository: 'a b' }), 'INVALID_REQUEST')
  t.equal(await refusal({}), 'CONTAINER_RUNTIME_REFUSED', 'no runtime listens')
  node.program('kubeadm', 'echo "unknown flag" >&2; exit 3')
  t.equal(await refusal({}), 'COMMAND_FAILED')
})
