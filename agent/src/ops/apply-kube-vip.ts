import { QuorateError } from '@quorate/shared/errors'
import type { ApplyKubeVipRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { kubeVipManifestPath, kubeVipName } from '@quorate/shared/kube-vip-manifest'
import { holds, notYet, until } from '@quorate/shared/until'
import { editFile } from './backup/edit-file.js'
import { runningContainers } from './cluster/running-containers.js'
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import { isKubeconfigGood, writeKubeconfig } from './kube-vip/kubeconfig.js'
import { manifestFor, ownManifest } from './kube-vip/manifest.js'
import { areGranted, grantRights } from './kube-vip/rights.js'

/** The kubelet sees a new manifest within a second; the rest is for an overloaded node. */
const startDeadlineMs = 120_000
const graceSeconds = 10

/**
 * Runs kube-vip beside this node's API server: first its image, then its rights, then its kubeconfig, last its manifest, so that it never runs
 * without what it needs. Repeated, it corrects what differs. Ends when its container runs.
 */
const apply: ChangeOperation<ApplyKubeVipRequest>['run'] = async (request, context) => {
  const text = await manifestFor(context, request)
  await ownManifest(context.tools.host)
  await requireImage(context, request.image)
  const rights = await grantRights(context)
  const kubeconfig = await writeKubeconfig(context)
  const before = await runningContainers(context.tools, [kubeVipName], context.signal)
  const { touched: manifest } = await editFile(context, {
    path: kubeVipManifestPath,
    edit: () => text,
    mode: 0o600,
    done: `${kubeVipManifestPath} written`,
    alreadySo: `${kubeVipManifestPath} needs no change`,
  })
  // It reads its kubeconfig at start, and a mounted file that is replaced stays the old one until then.
  if (kubeconfig.length > 0 && manifest.length === 0) await stopAll(context, before)
  const isNew = kubeconfig.length + manifest.length > 0
  const id = await untilRunning(context, isNew ? before.map((one) => one.id) : [])
  const touched = [...rights, ...kubeconfig, ...manifest]
  const what = `kube-vip runs for ${request.virtualIp}`
  const facts = { container_id: id, virtual_ip: request.virtualIp }
  return touched.length > 0 ? changed({ summary: what, touched, facts }) : unchanged(what, facts)
}

const isApplied: ChangeOperation<ApplyKubeVipRequest>['evidence'] = async (request, context) => {
  const { tools, signal } = context
  const text = await manifestFor(context, request)
  const present = (await tools.host.read(kubeVipManifestPath))?.bytes.toString('utf8')
  if (present !== text) return { done: 'no', differs: kubeVipManifestPath }
  if (!(await isKubeconfigGood(context))) return { done: 'no', differs: 'kubeconfig' }
  if (!(await areGranted(await tools.kube(), signal))) return { done: 'no', differs: 'rights' }
  return doneIf((await runningContainers(tools, [kubeVipName], signal)).length > 0)
}

export const applyKubeVip = changeOperation<ApplyKubeVipRequest>(apply, { evidence: isApplied })

/** A pod whose image is not available never runs: checked before anything is written. */
async function requireImage({ tools, signal, progress }: ChangeContext, image: string): Promise<void> {
  const cri = tools.cri()
  try {
    if ((await cri.images(signal)).includes(image)) return
    progress(`pulling ${image}`)
    await cri.pullImage(image, signal)
  } catch (error) {
    throw new QuorateError('CONTAINER_RUNTIME_REFUSED', `the image ${image} is not on this node and cannot be pulled`, {
      cause: error,
      remedy: `Import it on this node (ctr -n k8s.io images import FILE), or set loadBalancer.image to one that it can pull.`,
    })
  } finally {
    cri.close()
  }
}

async function stopAll(
  { tools, signal }: ChangeContext,
  containers: readonly { readonly id: string }[],
): Promise<void> {
  const cri = tools.cri()
  try {
    for (const { id } of containers) await cri.stopContainer(id, graceSeconds, signal)
  } finally {
    cri.close()
  }
}

/** Id of a running container that is not one of the old ones. */
async function untilRunning({ tools, signal, progress }: ChangeContext, old: readonly string[]): Promise<string> {
  const look = async () => {
    const found = (await runningContainers(tools, [kubeVipName], signal)).find(({ id }) => !old.includes(id))
    return found === undefined ? notYet('the kubelet has not started it') : holds(found.id)
  }
  return until('kube-vip to run', look, { deadlineMs: startDeadlineMs, everyMs: 200, signal, onWaiting: progress })
}
