import { QuorateError } from '@quorate/shared/errors'
import type { JoinControlPlaneRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { redact } from '@quorate/shared/redact'
import { commands } from '../host/commands.js'
import type { Host } from '../host/host.js'
import { lookAtUnit, runAsUnit, unitName } from '../host/transient-unit.js'
import { joinConfigPath, joinDocuments, writeDocuments } from './cluster/join-document.js'
import { joinEvidence } from './cluster/join-evidence.js'
import { type JoinMarker, readJoinMarker, writeJoinMarker } from './cluster/join-marker.js'
import { isPhaseLine, kubeadmFailed } from './cluster/kubeadm-output.js'
import { beginMarker } from './cluster/node-before-join.js'
import { withRuntimeFolder } from './cluster/runtime-folder.js'
import { readJoinSecret, removeJoinSecret } from './join-secret.js'
import { type ChangeContext, type ChangeOperation, changeOperation } from './operation.js'
import { kubeconfigPaths, manifestOn } from './paths.js'
import { changed, unchanged } from './result.js'
import { installSigned, kubeletConfIsThere } from './signed-elsewhere/install.js'
import { readSigned, requestPlace } from './signed-elsewhere/requests.js'

type Join = ChangeOperation<JoinControlPlaneRequest>['run']

/** More than kubeadm's own deadlines add up to, of which the longest is that of a large etcd (JoinSpec.etcd_timeout_seconds). */
const timeoutMs = 25 * 60_000
/** What a control plane has when kubeadm is done with it. */
const made = async (host: Host) => [kubeconfigPaths.kubelet, await manifestOn(host, 'kube-apiserver')]

const join: Join = async (request, context) => {
  const { tools, header } = context
  const { host, criSocket } = tools
  const before = await readJoinMarker(tools)
  if (before?.runId === header.runId && before.joinedAtUnixMs !== undefined) {
    return unchanged('this run has joined this node already', { joined_at: String(before.joinedAtUnixMs) })
  }
  await refuseRunning(host, before)
  await refuseLeftover(host)
  const secret = await readJoinSecret(host)
  if (secret === undefined || secret.certificateKey === '') {
    throw new QuorateError('SECRET_NOT_FOR_US', 'no join secret with a certificate key is placed on this node')
  }
  const { operationId } = header
  const signed = await readSigned(requestPlace(context))
  const wanted = signed.length === 0 ? request.join : withKubeletConf(request.join)
  const documents = joinDocuments({ join: wanted, secret, criSocket, operationId })
  const marker = await beginMarker(context, before)
  await installSigned(host, signed)
  return follow(context, { marker, certificateKey: secret.certificateKey, documents })
}

/** kubelet.conf lies there before the join where its certificate was signed elsewhere. */
const withKubeletConf = (join: JoinControlPlaneRequest['join']): JoinControlPlaneRequest['join'] =>
  join && { ...join, ignorePreflightErrors: [...join.ignorePreflightErrors, kubeletConfIsThere] }

/** The unit went on without us: its end, and all that comes after it. */
const resume: Join = async (_, context) => {
  const { tools, header } = context
  const marker = await readJoinMarker(tools)
  if (marker?.runId !== header.runId) {
    throw new QuorateError('NOT_JOINED_BY_THIS_RUN', `the marker of run ${header.runId} is gone from this node`)
  }
  if (marker.joinedAtUnixMs !== undefined) return joined(marker.joinedAtUnixMs)
  const secret = await readJoinSecret(tools.host).catch(() => undefined)
  return follow(context, { marker, certificateKey: secret?.certificateKey ?? '', documents: new Map() })
}

interface Following {
  readonly marker: JoinMarker
  /** Not to be shown; empty where it is gone already. */
  readonly certificateKey: string
  /** What is still to be written. */
  readonly documents: ReadonlyMap<string, string>
}

/** The secret is gone from this node when kubeadm has ended, well or not. */
async function follow(
  context: ChangeContext,
  { marker, certificateKey, documents }: Following,
): Promise<OperationResult> {
  const { tools, header, signal, progress, onceRecorded } = context
  const { host } = tools
  const hide = (text: string): string =>
    redact(certificateKey === '' ? text : text.replaceAll(certificateKey, '<certificate key>'))
  const onLine = (line: string): void => {
    if (isPhaseLine(line)) progress(hide(line))
  }
  await withRuntimeFolder(host, header.operationId, async () => {
    await writeDocuments(host, documents)
    const unit = {
      operationId: header.operationId,
      command: commands.joinControlPlane(joinConfigPath(header.operationId)),
      timeoutMs,
    }
    const { exitCode, output } = await runAsUnit({ ...unit, host, onLine, signal, onceRecorded })
    if (exitCode !== 0) throw kubeadmFailed('kubeadm join', exitCode, hide(output))
  }).finally(() => removeJoinSecret(host))
  await requireMade(host)
  const joinedAtUnixMs = Date.now()
  await writeJoinMarker(tools, { ...marker, joinedAtUnixMs })
  return joined(joinedAtUnixMs)
}

const joined = (joinedAtUnixMs: number): OperationResult =>
  changed({
    summary: 'kubeadm joined this node as a control plane',
    facts: { joined_at: String(joinedAtUnixMs) },
  })

/** An attempt that was given up may still be at it; two of them would fight over one etcd member. */
async function refuseRunning(host: Host, before: JoinMarker | undefined): Promise<void> {
  if (before === undefined) return
  const unit = unitName(before.operationId)
  if ((await lookAtUnit(host, unit)).state !== 'running') return
  throw new QuorateError('NODE_BUSY', `${unit} still runs on this node: an earlier attempt to join`, {
    remedy: `On that node: \`journalctl --unit=${unit}\` shows what it waits for. It ends by itself, or by ResetNode.`,
  })
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
  for (const path of await made(host)) {
    if ((await host.read(path)) !== undefined) continue
    throw new QuorateError('COMMAND_FAILED', `kubeadm join ended well but did not write ${path}`, { where: path })
  }
}

/**
 * kubeadm join, as a unit that outlives this agent. Its exit code alone says little about etcd (kubeadm issues 2997, 3152): whoever asked
 * looks at the members and the node.
 */
export const joinControlPlane = changeOperation<JoinControlPlaneRequest>(join, {
  evidence: (_, context) => joinEvidence(context),
  carrier: { resume },
})
