import { QuorateError } from '@quorate/shared/errors'
import type { FinishJoinRequest, JoinSpec } from '@quorate/shared/gen/quorate/v1/node_agent'
import { finishDocument } from '@quorate/shared/kubeadm-documents'
import { holds, type Look, notYet, until } from '@quorate/shared/until'
import { commands } from '../host/commands.js'
import { needsOwnEtcd } from '../host/etcd-place.js'
import type { Host } from '../host/host.js'
import { runAsUnit } from '../host/transient-unit.js'
import { joinEvidence } from './cluster/join-evidence.js'
import { readJoinMarker, writeJoinMarker } from './cluster/join-marker.js'
import { removeJoinSecret } from './cluster/join-secret.js'
import { isPhaseLine, kubeadmFailed } from './cluster/kubeadm-output.js'
import { type ChangeContext, type ChangeOperation, changeOperation } from './context/operation.js'
import { kubeconfigPaths, manifestOn } from './context/paths.js'
import { changed, unchanged } from './context/result.js'
import { withRuntimeFolder } from './context/runtime-folder.js'
import type { Tools } from './context/tools.js'

/** etcd tries to publish itself every seven seconds; a member that is not up after this time will not come. */
const etcdDeadlineMs = 90_000
/** The kubelet requests its certificate as soon as its API server answers. */
const kubeletDeadlineMs = 120_000
/** Written before etcd's phase: without them the join did not get that far. */
const neededFiles = async (host: Host) => [kubeconfigPaths.admin, await manifestOn(host, 'kube-apiserver')]

const finish: ChangeOperation<FinishJoinRequest>['run'] = async ({ join }, context) => {
  const { tools, header } = context
  const marker = await readJoinMarker(tools)
  if (marker?.runId !== header.runId) {
    throw new QuorateError(
      'NOT_JOINED_BY_THIS_RUN',
      `run ${header.runId} did not join this node: its join is not finished here`,
    )
  }
  if (marker.joinedAtUnixMs !== undefined) {
    return unchanged('this run has already joined this node', { joined_at: String(marker.joinedAtUnixMs) })
  }
  await requireNeeded(tools)
  await untilVoter(context)
  await untilBootstrapped(context)
  await markControlPlane(join, context)
  await tools.host.remove(kubeconfigPaths['bootstrap-kubelet'])
  await removeJoinSecret(tools.host)
  const joinedAtUnixMs = Date.now()
  await writeJoinMarker(tools, { ...marker, joinedAtUnixMs })
  return changed({
    summary: 'finished the interrupted join: this node is a control plane',
    facts: { joined_at: String(joinedAtUnixMs) },
  })
}

async function requireNeeded({ host }: Tools): Promise<void> {
  const own = (await needsOwnEtcd(host)) ? [await manifestOn(host, 'etcd')] : []
  for (const path of [...(await neededFiles(host)), ...own]) {
    if ((await host.read(path)) !== undefined) continue
    throw new QuorateError(
      'COMMAND_FAILED',
      `the join was interrupted before it wrote ${path}: it cannot be finished`,
      {
        where: path,
        remedy: 'Undo this join (ResetNode of the same run), then join again.',
      },
    )
  }
}

/** A learner must not get the labels of a control plane: it cannot serve the API server beside it. An external etcd must answer too. */
async function untilVoter({ tools, signal, progress }: ChangeContext): Promise<void> {
  const look = async (): Promise<Look<boolean>> => {
    const etcd = await tools.etcd()
    try {
      const { learner } = await etcd.ownStatus(signal)
      return holds(learner)
    } catch (error) {
      return notYet((error as Error).message)
    } finally {
      etcd.close()
    }
  }
  const learner = await until("this node's etcd to answer", look, {
    deadlineMs: etcdDeadlineMs,
    everyMs: 500,
    signal,
    onWaiting: progress,
  })
  if (!learner) return
  throw new QuorateError('ETCD_REFUSED', "this node's etcd member is still a learner: it must be promoted first")
}

async function untilBootstrapped({ tools: { host }, signal, progress }: ChangeContext): Promise<void> {
  const path = kubeconfigPaths.kubelet
  const look = async () => ((await host.read(path)) === undefined ? notYet(`${path} is not there`) : holds(true))
  const deadline = { deadlineMs: kubeletDeadlineMs, everyMs: 500, signal, onWaiting: progress }
  await until('the kubelet to have its certificate', look, deadline)
}

async function markControlPlane(join: JoinSpec | undefined, context: ChangeContext): Promise<void> {
  if (join === undefined) throw new QuorateError('INVALID_REQUEST', 'the request does not say how to join')
  const { tools, header, signal, progress, onceRecorded } = context
  const { host, criSocket } = tools
  const { kubeadmApiVersion: apiVersion, nodeName, advertiseAddress, bindPort } = join
  const place = { nodeName, advertiseAddress, bindPort, criSocket, kubeconfigPath: kubeconfigPaths.admin }
  const document = finishDocument({ apiVersion, ...place, ...(join.ownTaints ? { taints: join.taints } : {}) })
  await withRuntimeFolder(host, header.operationId, async (folder) => {
    const config = `${folder}/finish.yaml`
    await host.replace(config, Buffer.from(document), { mode: 0o600 })
    const onLine = (line: string): void => {
      if (isPhaseLine(line)) progress(line)
    }
    const unit = { operationId: header.operationId, command: commands.markControlPlane(config) }
    const { exitCode, output } = await runAsUnit({ ...unit, host, onLine, signal, onceRecorded })
    if (exitCode !== 0) throw kubeadmFailed('kubeadm join phase mark-control-plane', exitCode, output)
  })
}

/**
 * What kubeadm's join does after its etcd member is a voter (cmd/phases/join: kubelet-wait-bootstrap, mark-control-plane), for a node whose
 * join was interrupted there. The phases are kubeadm's own and idempotent. Only for a join of the same run.
 */
export const finishJoin = changeOperation<FinishJoinRequest>(finish, {
  evidence: (_, context) => joinEvidence(context),
  carrier: { resume: finish },
})
