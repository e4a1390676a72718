import { QuorateError } from '@quorate/shared/errors'
import type { RemoveKubeVipRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { kubeVipConfPath, kubeVipManifestPath, kubeVipName, virtualIpOf } from '@quorate/shared/kube-vip-manifest'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import { holds, notYet, until } from '@quorate/shared/until'
import { type BackupEntry, backupPlace, isAsKept, putBackFile, readBackupIndex } from './backup/store.js'
import { runningContainers } from './cluster/running-containers.js'
import { type ChangeContext, type ChangeOperation, changeOperation } from './context/operation.js'
import { kubeVipPaths } from './context/paths.js'
import { changed, unchanged } from './context/result.js'
import { revokeRights } from './kube-vip/rights.js'
import { readInterfaces } from './network/interfaces.js'

const kubeletDeadlineMs = 20_000
const addressDeadlineMs = 15_000
const graceSeconds = 10

/**
 * Removes kube-vip: the manifest first, so that it releases the Lease and the address while it has its credentials. Anything that this run did not
 * write stays.
 */
const remove: ChangeOperation<RemoveKubeVipRequest>['run'] = async (_request, context) => {
  const { host } = context.tools
  const { entries } = await readBackupIndex(backupPlace(context))
  const entryOf = (path: string): BackupEntry | undefined => entries.find(({ name }) => name === path)
  const manifest = (await host.read(kubeVipManifestPath))?.bytes.toString('utf8')
  const touched: TouchedObject[] = []
  const entry = entryOf(kubeVipManifestPath)
  if (entry !== undefined && manifest !== undefined && isQuorateConfig(manifest)) {
    touched.push(...(await putBack(context, entry)))
    if (entry.kind === 'absent') await untilGone(context, virtualIpOf(manifest))
  }
  const kubeconfig = entryOf(kubeVipConfPath)
  if (kubeconfig !== undefined) touched.push(...(await putBack(context, kubeconfig)))
  touched.push(...(await revokeRights(context)))
  if (touched.length === 0) return unchanged('this node has no kube-vip of this run')
  return changed({ summary: 'removed kube-vip and restored what was there before this run', touched })
}

const isRemoved: ChangeOperation<RemoveKubeVipRequest>['evidence'] = async (_, { tools, header }) => {
  const { entries } = await readBackupIndex({ ...tools, runId: header.runId })
  for (const entry of entries.filter(({ name }) => kubeVipPaths.includes(name)))
    if (!isAsKept(entry, await tools.host.read(entry.name))) return { done: 'no', differs: entry.name }
  return { done: 'yes' }
}

export const removeKubeVip = changeOperation<RemoveKubeVipRequest>(remove, { evidence: isRemoved })

async function putBack(context: ChangeContext, entry: BackupEntry): Promise<TouchedObject[]> {
  const present = await context.tools.host.read(entry.name)
  if (isAsKept(entry, present)) return []
  await putBackFile(backupPlace(context), entry)
  const sha256After = entry.kind === 'absent' ? '' : entry.sha256
  return [{ name: entry.name, sha256Before: present === undefined ? '' : sha256Hex(present.bytes), sha256After }]
}

/** Waits until it has ended, stopped by the kubelet or, if that does not run, by the runtime; and until the node no longer has the address. */
async function untilGone(context: ChangeContext, address: string): Promise<void> {
  const { tools, signal, progress } = context
  const running = () => runningContainers(tools, [kubeVipName], signal)
  const look = async () => ((await running()).length === 0 ? holds(true) : notYet('its container still runs'))
  const options = { everyMs: 200, signal, onWaiting: progress }
  await until('kube-vip to end', look, { deadlineMs: kubeletDeadlineMs, ...options }).catch(async (error: unknown) => {
    if (!(error instanceof QuorateError) || error.code !== 'GATE_TIMEOUT') throw error
    const cri = tools.cri()
    try {
      for (const { id } of await running()) await cri.stopContainer(id, graceSeconds, signal)
    } finally {
      cri.close()
    }
  })
  const hasNot = async () => {
    const all = (await readInterfaces(tools.host, signal)).flatMap(({ addresses }) => addresses)
    return all.some((one) => one.startsWith(`${address}/`)) ? notYet('an interface still has it') : holds(true)
  }
  await until(`this node to release ${address}`, hasNot, { deadlineMs: addressDeadlineMs, ...options })
}
