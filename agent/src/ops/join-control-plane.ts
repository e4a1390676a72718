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
import { caPinsOf, readJoinSecret, removeJoinSecret } from './cluster/join-secret.js'
import { isPhaseLine, kubeadmFailed } from './cluster/kubeadm-output.js'
import { beginMarker } from './cluster/node-before-join.js'
import { type ChangeContext, type ChangeOperation, changeOperation } from './context/operation.js'
import { kubeconfigPaths, manifestOn } from './context/paths.js'
import { changed, unchanged } from './context/result.js'
import { withRuntimeFolder } from './context/runtime-folder.js'
import { installSigned, kubeletConfIsThere } from './signed-elsewhere/install.js'
import { readSigned, requestPlace } from './signed-elsewhere/requests.js'

type Join = ChangeOperation<JoinControlPlaneRequest>['run']

/** More than the sum of kubeadm's own deadlines, the longest of which is that of a large etcd (JoinSpec.etcd_timeout_seconds). */
const timeoutMs = 25 * 60_000
/** The files of a control plane after kubeadm has finished. */
const made = async (host: Host) => [kubeconfigPaths.kubelet, await manifestOn(host, 'kube-apiserver')]

const join: Join = async (request, context) => {
  const { tools, header } = context
  const { host, criSocket } = tools
  const before = await readJoinMarker(tools)
  if (before?.runId === header.runId && before.joinedAtUnixMs !== undefined) {
    return unchanged('this run has already joined this node', { joined_at: String(before.joinedAtUnixMs) })
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
  if (await tools.pins.keep('cluster-ca', [request.join?.caPin ?? '', ...caPinsOf(secret)]))
    context.progress(`this node is pinned to the cluster with the CA ${request.join?.caPin}`)
  const marker = await beginMarker(context, before)
  await installSigned(host, signed)
  return follow(context, { marker, certificateKey: secret.certificateKey, documents })
}

/** kubelet.conf exists before the join if its certificate was signed elsewhere. */
const withKubeletConf = (join: JoinControlPlaneRequest['join']): JoinControlPlaneRequest['join'] =>
  join && { ...join, ignorePreflightErrors: [...join.ignorePreflightErrors, kubeletConfIsThere] }

/** The unit ran on without this agent: its end, and everything after it. */
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
  /** Must not be shown; empty if it is gone already. */
  readonly certificateKey: string
  /** What is still to be written. */
  readonly documents: ReadonlyMap<string, string>
}

/** The secret is removed from this node when kubeadm has ended, successful or not. */
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

/** An abandoned attempt may still run; two of them would conflict over one etcd member. */
async function refuseRunning(host: Host, before: JoinMarker | undefined): Promise<void> {
  if (before === undefined) return
  const unit = unitName(before.operationId)
  if ((await lookAtUnit(host, unit)).state !== 'running') return
  throw new QuorateError('NODE_BUSY', `${unit} still runs on this node: an earlier attempt to join`, {
    remedy: `On that node: \`journalctl --unit=${unit}\` shows what it waits for. It ends on its own, or with ResetNode.`,
  })
}

/** kubeadm uses an existing admin.conf instead of discovering the cluster, and joins the cluster that it names. */
async function refuseLeftover(host: Host): Promise<void> {
  const path = kubeconfigPaths.admin
  if ((await host.read(path)) === undefined) return
  throw new QuorateError(
    'DRIFT',
    `${path} exists on this node: kubeadm would use it instead of discovering the cluster`,
    {
      where: path,
      remedy:
        'This node has leftovers of a cluster. Check which one, run `kubeadm reset` on this node, then plan again.',
    },
  )
}

async function requireMade(host: Host): Promise<void> {
  for (const path of await made(host)) {
    if ((await host.read(path)) !== undefined) continue
    throw new QuorateError('COMMAND_FAILED', `kubeadm join succeeded but did not write ${path}`, { where: path })
  }
}

/**
 * kubeadm join, as a unit that outlives this agent. Its exit code alone says little about etcd (kubeadm issues 2997, 3152): the caller
 * checks the members and the node.
 */
export const joinControlPlane = changeOperation<JoinControlPlaneRequest>(join, {
  evidence: (_, context) => joinEvidence(context),
  carrier: { resume },
})
