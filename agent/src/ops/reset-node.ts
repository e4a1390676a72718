import { QuorateError } from '@quorate/shared/errors'
import type { ResetNodeRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { commands } from '../host/commands.js'
import { needsOwnEtcd } from '../host/etcd-place.js'
import { lookAtUnit, runAsUnit, unitName } from '../host/transient-unit.js'
import {
  fingerprint,
  forgetBeforeJoin,
  type PutBack,
  putBackBeforeJoin,
  readJoinFolders,
} from './cluster/before-join.js'
import { type JoinMarker, readJoinMarker, removeJoinMarker, requireJoinedBy } from './cluster/join-marker.js'
import { removeJoinSecret } from './cluster/join-secret.js'
import { isPhaseLine, kubeadmFailed } from './cluster/kubeadm-output.js'
import { interfaceNames } from './cluster/node-before-join.js'
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './context/operation.js'
import { changed } from './context/result.js'
import { runUnitCommand } from './context/run-unit.js'

type Reset = ChangeOperation<ResetNodeRequest>['run']

const resetJoined: Reset = async (_, context) => {
  const { tools, header } = context
  const marker = await requireJoinedBy(tools, header.runId)
  await stopJoin(context, marker)
  return takeBack(context, marker)
}

/** The marker is removed last: without it everything was done except the record. */
const resume: Reset = async (_, context) => {
  const marker = await readJoinMarker(context.tools)
  if (marker === undefined) return changed({ summary: 'kubeadm reset this node; nothing of the join is left' })
  return takeBack(context, marker)
}

async function takeBack(context: ChangeContext, marker: JoinMarker) {
  const { tools } = context
  await reset(context)
  const put = await putBackBeforeJoin(tools, marker)
  await removeJoinSecret(tools.host)
  const after = fingerprint(await readJoinFolders(tools.host, marker.folders))
  if (marker.kubeletBefore === 'active') await runUnitCommand(context, 'kubelet', commands.restartKubelet())
  const left = await leftOver(context, marker, put)
  await removeJoinMarker(tools)
  await forgetBeforeJoin(tools)
  const before = fingerprint(marker.before)
  const clean = before === after ? 'byte for byte as before the join' : `not all as before: ${put.missing.join(' ')}`
  return changed({
    summary: `kubeadm reset this node; its files are ${clean}`,
    facts: {
      removed: put.removed.join(' '),
      restored: put.restored.join(' '),
      fingerprint_before: before,
      fingerprint_after: after,
      left: left.join('; '),
    },
  })
}

/** A join that still runs would write again what is removed here. */
async function stopJoin({ tools, progress }: ChangeContext, { operationId }: JoinMarker): Promise<void> {
  const unit = unitName(operationId)
  if ((await lookAtUnit(tools.host, unit)).state !== 'running') return
  progress(`stopping ${unit}: the join to undo still runs`)
  await tools.host.run(commands.stopUnit(unit))
  if ((await lookAtUnit(tools.host, unit)).state === 'running') {
    throw new QuorateError('NODE_BUSY', `${unit} does not stop: the node is not reset while it joins`)
  }
}

async function reset({ tools, header, signal, progress, onceRecorded }: ChangeContext): Promise<void> {
  const onLine = (line: string): void => {
    if (isPhaseLine(line)) progress(line)
  }
  // A manifest that cannot be read does not name an external etcd.
  const etcd = (await needsOwnEtcd(tools.host).catch(() => true)) ? 'own' : 'external'
  const unit = { operationId: header.operationId, command: commands.resetNode(tools.criSocket, etcd) }
  const { exitCode, output } = await runAsUnit({ ...unit, host: tools.host, onLine, signal, onceRecorded })
  if (exitCode !== 0) throw kubeadmFailed('kubeadm reset', exitCode, output)
}

/** What neither kubeadm's reset nor this agent removes (kubeadm lists it at the end of a reset). */
async function leftOver(context: ChangeContext, marker: JoinMarker, { missing }: PutBack): Promise<string[]> {
  const known = new Set(marker.interfacesBefore)
  const interfaces = (await interfaceNames(context)).filter((name) => !known.has(name))
  return [
    'iptables, nftables and IPVS rules of kube-proxy and the network plugin stay until the next boot',
    ...(interfaces.length === 0 ? [] : [`network interfaces ${interfaces.join(', ')} stay until the next boot`]),
    ...(missing.length === 0 ? [] : [`could not be restored: ${missing.join(', ')}`]),
    "/root/.kube and the users' are not touched",
  ]
}

/**
 * Undoes a join of the same run, also an interrupted one: kubeadm reset (which also removes the node's etcd member, while etcd
 * answers), then everything that did not exist before the join; what kubeadm removed besides is restored. Without this run's
 * marker it is refused: that node was in the cluster before, or belongs to another one.
 */
export const resetNode = changeOperation<ResetNodeRequest>(resetJoined, {
  evidence: async (_, { tools, header }) => {
    const marker = await readJoinMarker(tools)
    return doneIf(marker?.runId !== header.runId, { joined_by: marker?.runId ?? '' })
  },
  carrier: { resume },
})
