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
import { touchedSinceKept } from './backup/touched-since-kept.js'
import { requireConfigMap } from './cluster/edit-config-map.js'
import { runningContainers } from './cluster/running-containers.js'
import { withRuntimeFolder } from './cluster/runtime-folder.js'
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
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './operation.js'
import { manifestOn } from './paths.js'
import { changed, unchanged } from './result.js'

const certificates = ['etcd-server', 'etcd-peer'] as const satisfies readonly Issued[]
/** Everything that may be another file afterwards, the manifest last: its change is what restarts etcd. */
async function filesOn(host: Host): Promise<string[]> {
  const pairs = certificates.flatMap((which) => [keyPath(host, which), certificatePath(host, which)])
  return Promise.all([...pairs, manifestOn(host, 'etcd')])
}
/** The kubelet ends the old etcd, asks an API that has none now about the pod, and starts the new one when it has waited for that: 46 s on real nodes. */
const restartWithinMs = 180_000

/** The certificates that are not for the node's address; those of kubeadm before 1.12 were for localhost alone. */
async function unfit(host: Host, address: string): Promise<readonly Issued[]> {
  const views = certificates.map(async (which) => ({
    which,
    missing: missingSans(readCertificate(await requireText(host, await certificatePath(host, which))), [address]),
  }))
  return (await Promise.all(views)).flatMap(({ which, missing }) => (missing.length > 0 ? [which] : []))
}

/** As letEtcdListen, with a wait of one's own for etcd to come back. */
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
      context.progress('changed its manifest, waiting for etcd to come back')
      await untilBack(context, { old, deadlineMs }).catch((error: unknown) => putBackAll(context, error))
      return changed({ summary: `etcd listens on ${address}`, touched: await touchedSinceKept(context, files) })
    },
    {
      evidence: async ({ address }, { tools: { host } }) => {
        const manifest = await manifestOn(host, 'etcd')
        const text = await requireText(host, manifest)
        const isSo = listening(text, address, filePlace(manifest)) === text && (await unfit(host, address)).length === 0
        // What there is to put back, should nobody go on.
        const hashes = (await filesOn(host)).map(
          async (name) => [name, sha256Hex(await requireText(host, name))] as const,
        )
        return doneIf(isSo, Object.fromEntries(await Promise.all(hashes)))
      },
    },
  )

/**
 * Lets etcd of this control plane listen on the node's address too: certificates for it where they are not, flags in its manifest. The kubelet starts
 * it anew, and until then the API server has no etcd. An etcd that does not come back gets its files back at once.
 */
export const letEtcdListen = letEtcdListenWithin(restartWithinMs)

/** Whoever changed it: where that was this run, before its agent was killed, there is something to put back. */
async function soAlready(context: ChangeContext, address: string): Promise<OperationResult> {
  const touched = await touchedSinceKept(context, await filesOn(context.tools.host))
  const summary = `etcd listens on ${address} already`
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
  /** Containers of the etcd from before: what these say is not what the new flags made of it. */
  readonly old: readonly string[]
  readonly deadlineMs: number
}

/** In another container than before, and by its own word where it listens for others now. */
async function untilBack(context: ChangeContext, { old, deadlineMs }: Back): Promise<void> {
  const { tools, signal } = context
  const look = async () => {
    const now = await running(context)
    if (now.length === 0 || now.some((id) => old.includes(id))) return notYet('the kubelet has not started it anew')
    const etcd = await tools.etcd()
    try {
      const { leaderId } = await etcd.ownStatus(signal)
      return leaderId === '0' ? notYet('etcd has no leader') : holds(undefined)
    } finally {
      etcd.close()
    }
  }
  await until('etcd to come back', look, { deadlineMs, everyMs: 250, signal })
}

async function putBackAll(context: ChangeContext, why: unknown): Promise<never> {
  const place = backupPlace(context)
  for (const name of await filesOn(context.tools.host)) await putBackFile(place, await findEntry(place, name))
  throw new QuorateError(
    'ETCD_REFUSED',
    `etcd did not come back with its new flags, its files were put back: ${(why as Error).message}`,
    {
      where: await manifestOn(context.tools.host, 'etcd'),
      cause: why,
    },
  )
}
