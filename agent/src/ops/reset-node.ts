import { QuorateError } from '@quorate/shared/errors'
import type { ResetNodeRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { commands } from '../host/commands.js'
import type { Host } from '../host/host.js'
import { runAsUnit } from '../host/transient-unit.js'
import { namesIn, readJoinMarker, removeJoinMarker } from './cluster/join-marker.js'
import { isPhaseLine, kubeadmFailed } from './cluster/kubeadm-output.js'
import { removeJoinSecret } from './join-secret.js'
import { type ChangeContext, changeOperation } from './operation.js'
import { cniFolder, etcdDataFolder, kubeconfigPaths, manifestsFolder, pkiFolder } from './paths.js'
import { changed } from './result.js'

/** kubeadm empties these itself where it can; after a join that broke off it may not. */
const emptied = [manifestsFolder, pkiFolder, etcdDataFolder]

/**
 * Takes back a join of this very run: kubeadm reset (which also removes the node's etcd member, while etcd answers), then what kubeadm
 * leaves. Without this run's marker it is refused: that node was in the cluster before, or belongs to another.
 */
export const resetNode = changeOperation<ResetNodeRequest>(async (_, context) => {
  const { tools, header } = context
  const { host } = tools
  const marker = await readJoinMarker(tools)
  if (marker?.runId !== header.runId) {
    throw new QuorateError('NOT_JOINED_BY_THIS_RUN', `run ${header.runId} did not join this node: it is not reset`)
  }
  await reset(context)
  const removed = await removeLeftovers(host, new Set(marker.cniBefore))
  await removeJoinSecret(host)
  await removeJoinMarker(tools)
  return changed({
    summary: 'kubeadm reset this node; nothing of the join is left',
    facts: { removed: removed.join(' ') },
  })
})

async function reset({ tools, header, signal, progress }: ChangeContext): Promise<void> {
  const onLine = (line: string): void => {
    if (isPhaseLine(line)) progress(line)
  }
  const unit = { operationId: header.operationId, command: commands.resetNode(tools.criSocket) }
  const { exitCode, output } = await runAsUnit({ ...unit, host: tools.host, onLine, signal })
  if (exitCode !== 0) throw kubeadmFailed('kubeadm reset', exitCode, output)
}

/** Paths that were still there. */
async function removeLeftovers(host: Host, cniBefore: ReadonlySet<string>): Promise<string[]> {
  const below = async (folder: string): Promise<string[]> =>
    (await namesIn(host, folder)).map((name) => `${folder}/${name}`)
  const cni = (await below(cniFolder)).filter((path) => !cniBefore.has(path.slice(cniFolder.length + 1)))
  const etcKubernetes = new Set(await below('/etc/kubernetes'))
  const kubeconfigs = Object.values(kubeconfigPaths).filter((path) => etcKubernetes.has(path))
  const found = [...kubeconfigs, ...(await Promise.all(emptied.map(below))).flat(), ...cni]
  for (const path of found) await host.remove(path, { recursive: true })
  return found
}
