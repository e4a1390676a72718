import { QuorateError } from '@quorate/shared/errors'
import type { PullImagesRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { commands } from '../host/commands.js'
import { kubeadmConfigApi } from './facts/kubeadm-config-api.js'
import { type ChangeContext, changeOperation } from './operation.js'
import { runtimeFolder } from './paths.js'
import { changed, unchanged } from './result.js'
import { lastLines } from './run-unit.js'

/** Pulls what kubeadm's own preflight of a control plane would pull, so that the join does not wait for a registry. */
export const pullImages = changeOperation<PullImagesRequest>(
  async (request, context) => {
    const wanted = [...(await listImages(context, request)), ...request.also]
    const cri = context.tools.cri()
    try {
      const present = new Set(await cri.images(context.signal))
      const missing = wanted.filter((image) => !present.has(image))
      const facts = { images: String(wanted.length), pulled: String(missing.length) }
      if (missing.length === 0) return unchanged(`all ${wanted.length} images of a control plane are here`, facts)
      let pulled = 0
      const pulls = await Promise.allSettled(
        missing.map(async (image) => {
          await cri.pullImage(image, context.signal)
          context.progress(`pulled ${image} (${++pulled} of ${missing.length})`)
        }),
      )
      context.signal.throwIfAborted()
      refuseMissing(
        missing.filter((_, index) => pulls[index]?.status === 'rejected'),
        pulls,
      )
      return changed({ summary: `pulled ${missing.length} of ${wanted.length} images of a control plane`, facts })
    } finally {
      cri.close()
    }
  },
  // Which images there should be only kubeadm knows; what is there is not pulled again.
  { evidence: async () => ({ done: 'unknown', repeatable: 'yes' }) },
)

/** All that are missing at once, for they are carried to a node without a registry in one go. */
function refuseMissing(images: readonly string[], pulls: readonly PromiseSettledResult<void>[]): void {
  const failed = pulls.find((pull) => pull.status === 'rejected')
  if (failed === undefined) return
  const why = failed.reason instanceof Error ? failed.reason.message : String(failed.reason)
  throw new QuorateError(
    'CONTAINER_RUNTIME_REFUSED',
    `${images.length} images are not here and cannot be pulled: ${images.join(', ')}: ${why}`,
    {
      remedy: `Where there is a registry: ctr -n k8s.io images export images.tar ${images.join(' ')}. On this node: ctr -n k8s.io images import images.tar. Then go on with quorate resume.`,
    },
  )
}

async function listImages(context: ChangeContext, request: PullImagesRequest): Promise<string[]> {
  const { host } = context.tools
  const config = `${runtimeFolder}/images-${context.header.operationId}.yaml`
  const api = await kubeadmConfigApi(host, request.kubernetesVersion, context.signal)
  await host.replace(config, Buffer.from(configuration(request, api)), { mode: 0o600 })
  try {
    const { exitCode, stdout, stderr } = await host.run(commands.listImages(config), context.signal)
    if (exitCode !== 0) {
      throw new QuorateError(
        'COMMAND_FAILED',
        `kubeadm config images list ended with ${exitCode}: ${lastLines(stderr)}`,
      )
    }
    return stdout.split('\n').flatMap((line) => (/^[a-z0-9]\S*:\S+$/.test(line.trim()) ? [line.trim()] : []))
  } finally {
    await host.remove(config)
  }
}

/** JSON is YAML, and quotes every value. */
function configuration({ kubernetesVersion, imageRepository }: PullImagesRequest, api: string): string {
  if (!/^([a-z0-9][a-zA-Z0-9._:/-]*)?$/.test(imageRepository)) {
    throw new QuorateError('INVALID_REQUEST', `not an image repository: ${JSON.stringify(imageRepository)}`)
  }
  const repository = imageRepository === '' ? {} : { imageRepository }
  const document = {
    apiVersion: `kubeadm.k8s.io/${api}`,
    kind: 'ClusterConfiguration',
    kubernetesVersion,
    ...repository,
  }
  return `${JSON.stringify(document)}\n`
}
