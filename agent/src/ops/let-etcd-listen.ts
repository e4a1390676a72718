import { QuorateError } from '@quorate/shared/errors'
import { letEtcdListen as listening } from '@quorate/shared/etcd-listen'
import type { LetEtcdListenRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { readCertificate } from '@quorate/shared/pki'
import { filePlace } from '@quorate/shared/text-place'
import { holds, notYet, until } from '@quorate/shared/until'
import type { Host } from '../host/host.js'
import { backupPlace, findEntry, keepFiles, putBackFile } from './backup/store.js'
import { requireConfigMap } from './cluster/edit-config-map.js'
import { runningContainers } from './cluster/running-containers.js'
import {
  certificatePath,
  checkStaged,
  type Issued,
  issuerPath,
  keyPath,
  missingSans,
  putPair,
  requireText,
  stageCertificate,
} from './cluster/stage-certificate.js'
import { touchedSinceKept } from './cluster/touched-since-kept.js'
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './context/operation.js'
import { manifestOn } from './context/paths.js'
import { changed, unchanged } from './context/result.js'
import { withRuntimeFolder } from './context/runtime-folder.js'

const certificates = ['etcd-server', 'etcd-peer'] as const satisfies readonly Issued[]
/** Every file that may change, the manifest last: its change restarts etcd. */
async function filesOn(host: Host): Promise<string[]> {
  const pairs = certificates.flatMap((which) => [keyPath(host, which), certificatePath(host, which)])
  return Promise.all([...pairs, manifestOn(host, 'etcd')])
}
/** The kubelet stops the old etcd, queries an API without etcd about the pod, and starts the new one after that timed out: 46 s on real nodes. */
const restartWithinMs = 180_000

/** The certificates that lack the node's address; kubeadm before 1.12 issued them for localhost only. */
async function unfit(host: Host, address: string): Promise<readonly Issued[]> {
  const views = certificates.map(async (which) => ({
    which,
    missing: missingSans(readCertificate(await requireText(host, await certificatePath(host, which))), [address]),
  }))
  return (await Promise.all(views)).flatMap(({ which, missing }) => (missing.length > 0 ? [which] : []))
}

/** Like letEtcdListen, with another deadline for etcd's restart. */
export const letEtcdListenWithin = (deadlineMs: number): ChangeOperation<LetEtcdListenRequest> =>
  changeOperation(
    async ({ address }, context) => {
      const { host } = context.tools
      const [manifest, files] = await Promise.all([manifestOn(host, 'etcd'), filesOn(host)])
      const text = await requireText(host, manifest)
      const wanted = listening(text, address, filePlace(manifest))
      const lacking = await unfit(host, address)
      await keepFiles(backupPlace(context), files)
      if (wanted === text && lacking.length === 0) return soAlready(context, address)
      await issueAnew(context, lacking, address)
      const old = wanted === text ? [] : await running(context)
      context.signal.throwIfAborted()
      await host.replace(manifest, Buffer.from(wanted), { mode: 0o600 })
      context.progress('changed the manifest of etcd, waiting for it to restart')
      await untilBack(context, { old, deadlineMs }).catch((error: unknown) => putBackAll(context, error))
      return changed({ summary: `etcd listens on ${address}`, touched: await touchedSinceKept(context, files) })
    },
    {
      evidence: async ({ address }, { tools: { host } }) => {
        const manifest = await manifestOn(host, 'etcd')
        const text = await requireText(host, manifest)
        const isSo = listening(text, address, filePlace(manifest)) === text && (await unfit(host, address)).length === 0
        // For an undo, should the run stop here.
        const hashes = (await filesOn(host)).map(
          async (name) => [name, sha256Hex(await requireText(host, name))] as const,
        )
        return doneIf(isSo, Object.fromEntries(await Promise.all(hashes)))
      },
    },
  )

/**
 * Makes etcd of this control plane listen on the node's address too: certificates for it if they lack it, flags in its manifest. The kubelet restarts
 * it, and until then the API server has no etcd. If etcd does not restart, its files are restored at once.
 */
export const letEtcdListen = letEtcdListenWithin(restartWithinMs)

/** Reports files that this run changed, also before its agent was killed: they can be restored. */
async function soAlready(context: ChangeContext, address: string): Promise<OperationResult> {
  const touched = await touchedSinceKept(context, await filesOn(context.tools.host))
  const summary = `etcd already listens on ${address}`
  return touched.length === 0 ? unchanged(summary) : changed({ summary, touched })
}

async function issueAnew(context: ChangeContext, lacking: readonly Issued[], address: string): Promise<void> {
  const { tools, header, signal } = context
  if (lacking.length === 0) return
  const { text } = await requireConfigMap(await tools.kube(), 'configmap/kube-system/kubeadm-config', signal)
  await withRuntimeFolder(tools.host, header.operationId, async (folder) => {
    for (const which of lacking) {
      const old = readCertificate(await requireText(tools.host, await certificatePath(tools.host, which)))
      const staged = await stageCertificate(context, which, { folder, clusterConfiguration: text })
      checkStaged(staged, await requireText(tools.host, await issuerPath(tools.host, which)), [...old.sans, address])
      await putPair(tools.host, which, staged)
    }
  })
}

const running = async ({ tools, signal }: ChangeContext): Promise<readonly string[]> =>
  (await runningContainers(tools, ['etcd'], signal)).map(({ id }) => id)

interface Back {
  /** Containers of the previous etcd: their state does not reflect the new flags. */
  readonly old: readonly string[]
  readonly deadlineMs: number
}

/** In a new container, and reporting itself on its new address. */
async function untilBack(context: ChangeContext, { old, deadlineMs }: Back): Promise<void> {
  const { tools, signal } = context
  const look = async () => {
    const now = await running(context)
    if (now.length === 0 || now.some((id) => old.includes(id))) return notYet('the kubelet has not restarted it')
    const etcd = await tools.etcd()
    try {
      const { leaderId } = await etcd.ownStatus(signal)
      return leaderId === '0' ? notYet('etcd has no leader') : holds(undefined)
    } finally {
      etcd.close()
    }
  }
  await until('etcd to restart', look, { deadlineMs, everyMs: 250, signal })
}

async function putBackAll(context: ChangeContext, why: unknown): Promise<never> {
  const place = backupPlace(context)
  for (const name of await filesOn(context.tools.host)) await putBackFile(place, await findEntry(place, name))
  throw new QuorateError(
    'ETCD_REFUSED',
    `etcd did not restart with its new flags, its files were restored: ${(why as Error).message}`,
    {
      where: await manifestOn(context.tools.host, 'etcd'),
      cause: why,
    },
  )
}
