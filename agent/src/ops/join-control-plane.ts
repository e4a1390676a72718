import { QuorateError } from '@quorate/shared/errors'
import type { JoinControlPlaneRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { redact } from '@quorate/shared/redact'
import { commands } from '../host/commands.js'
import type { Host } from '../host/host.js'
import { runAsUnit } from '../host/transient-unit.js'
import { controlPlaneJoinDocument } from './cluster/join-document.js'
import { newJoinMarker, readJoinMarker, writeJoinMarker } from './cluster/join-marker.js'
import { isPhaseLine, kubeadmFailed } from './cluster/kubeadm-output.js'
import { withRuntimeFolder } from './cluster/runtime-folder.js'
import { readJoinSecret, removeJoinSecret } from './join-secret.js'
import { type ChangeContext, changeOperation } from './operation.js'
import { kubeconfigPaths, manifestPath } from './paths.js'
import { changed, unchanged } from './result.js'

const timeoutMs = 15 * 60_000
/** What a control plane has when kubeadm is done with it. */
const made = [kubeconfigPaths.kubelet, manifestPath('kube-apiserver')]

/**
 * kubeadm join, as a unit that outlives this agent. Its exit code alone says little about etcd (kubeadm issues 2997, 3152): whoever asked
 * looks at the members and the node. The secret is gone from this node when it ends, well or not.
 */
export const joinControlPlane = changeOperation<JoinControlPlaneRequest>(async (request, context) => {
  const { tools, header } = context
  const before = await readJoinMarker(tools)
  if (before?.runId === header.runId && before.joinedAtUnixMs !== undefined) {
    return unchanged('this run has joined this node already', { joined_at: String(before.joinedAtUnixMs) })
  }
  await refuseLeftover(tools.host)
  const marker = await newJoinMarker(tools.host, header.runId)
  await join(request, context, () => writeJoinMarker(tools, marker))
  await requireMade(tools.host)
  const joinedAtUnixMs = Date.now()
  await writeJoinMarker(tools, { ...marker, joinedAtUnixMs })
  return changed({
    summary: 'kubeadm joined this node as a control plane',
    facts: { joined_at: String(joinedAtUnixMs) },
  })
})

async function join(request: JoinControlPlaneRequest, context: ChangeContext, beforeStart: () => Promise<void>) {
  const { tools, header, signal, progress } = context
  const { host, criSocket } = tools
  const secret = await readJoinSecret(host)
  if (secret === undefined || secret.certificateKey === '') {
    throw new QuorateError('SECRET_NOT_FOR_US', 'no join secret with a certificate key is placed on this node')
  }
  const document = controlPlaneJoinDocument(request.join, secret, criSocket)
  await beforeStart()
  const hide = (text: string): string => redact(text.replaceAll(secret.certificateKey, '<certificate key>'))
  const onLine = (line: string): void => {
    if (isPhaseLine(line)) progress(hide(line))
  }
  await withRuntimeFolder(host, header.operationId, async (folder) => {
    const config = `${folder}/join.yaml`
    await host.replace(config, Buffer.from(document), { mode: 0o600 })
    const unit = { operationId: header.operationId, command: commands.joinControlPlane(config), timeoutMs }
    const { exitCode, output } = await runAsUnit({ ...unit, host, onLine, signal })
    if (exitCode !== 0) throw kubeadmFailed('kubeadm join', exitCode, hide(output))
  }).finally(() => removeJoinSecret(host))
}

/** kubeadm takes an admin.conf that lies there instead of discovering the cluster, and joins whatever it names. */
async function refuseLeftover(host: Host): Promise<void> {
  const path = kubeconfigPaths.admin
  if ((await host.read(path)) === undefined) return
  throw new QuorateError(
    'DRIFT',
    `${path} exists on this node: kubeadm would use it instead of discovering the cluster`,
    {
      where: path,
      remedy:
        'Something of a cluster is left on this node: look whose it is, run `kubeadm reset` there, then plan again.',
    },
  )
}

async function requireMade(host: Host): Promise<void> {
  for (const path of made) {
    if ((await host.read(path)) !== undefined) continue
    throw new QuorateError('COMMAND_FAILED', `kubeadm join ended well but did not write ${path}`, { where: path })
  }
}
