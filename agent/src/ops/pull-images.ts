import { QuorateError } from '@quorate/shared/errors'
import type { PullImagesRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { plural } from '@quorate/shared/plural'
import { controlPlaneImages } from './cluster/control-plane-images.js'
import { changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/** Pulls what kubeadm's own preflight of a control plane would pull, so that the join does not wait for a registry. */
export const pullImages = changeOperation<PullImagesRequest>(
  async (request, context) => {
    const { tools, signal } = context
    const wanted = [...(await controlPlaneImages(tools.host, request, signal)), ...request.also]
    const cri = tools.cri()
    try {
      const present = new Set(await cri.images(signal))
      const missing = wanted.filter((image) => !present.has(image))
      const facts = { images: String(wanted.length), pulled: String(missing.length) }
      if (missing.length === 0)
        return unchanged(`all ${wanted.length} images of a control plane are on this node`, facts)
      let pulled = 0
      const pulls = await Promise.allSettled(
        missing.map(async (image) => {
          await cri.pullImage(image, signal)
          context.progress(`pulled ${image} (${++pulled} of ${missing.length})`)
        }),
      )
      signal.throwIfAborted()
      refuseMissing(
        missing.filter((_, index) => pulls[index]?.status === 'rejected'),
        pulls,
      )
      return changed({ summary: `pulled ${missing.length} of ${wanted.length} images of a control plane`, facts })
    } finally {
      cri.close()
    }
  },
  // Only kubeadm knows the required images; those present are not pulled again.
  { evidence: async () => ({ done: 'unknown', repeatable: 'yes' }) },
)

/** All missing images in one message, because they are copied together to a node without a registry. */
function refuseMissing(images: readonly string[], pulls: readonly PromiseSettledResult<void>[]): void {
  const failed = pulls.find((pull) => pull.status === 'rejected')
  if (failed === undefined) return
  const why = failed.reason instanceof Error ? failed.reason.message : String(failed.reason)
  throw new QuorateError(
    'CONTAINER_RUNTIME_REFUSED',
    `cannot pull ${plural(images.length, 'image')} that this node lacks: ${images.join(', ')}: ${why}`,
    {
      remedy: `On a machine that reaches the registry: ctr -n k8s.io images export images.tar ${images.join(' ')}. On this node: ctr -n k8s.io images import images.tar. Then run \`quorate resume RUN\`.`,
    },
  )
}
