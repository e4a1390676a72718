import { QuorateError } from '@quorate/shared/errors'
import type { RestoreBackupRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { redactKubeconfig } from '@quorate/shared/redact-kubeconfig'
import type { Host, HostFile } from '../host/host.js'
import { isConfigMapName, readConfigMap, writeConfigMapText } from './backup/config-maps.js'
import { drift } from './backup/edit-file.js'
import {
  type BackupEntry,
  backupPlace,
  findEntry,
  isAsKept,
  mostBackedUpBytes,
  putBackFile,
  readKept,
} from './backup/store.js'
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/**
 * Restores one file or ConfigMap from this run's backup, or its absence. The present content must be what this run left
 * (`expected_sha256`; empty: absent); otherwise it was changed since and is left alone: DRIFT.
 */
const restore: ChangeOperation<RestoreBackupRequest>['run'] = async (request, context) => {
  const entry = await findEntry(backupPlace(context), request.name)
  if (isConfigMapName(entry.name)) return restoreConfigMap(context, entry, request.expectedSha256)
  return restoreFile(context, entry, request.expectedSha256)
}

const isRestored: ChangeOperation<RestoreBackupRequest>['evidence'] = async ({ name }, { tools, header, signal }) => {
  const entry = await findEntry({ ...tools, runId: header.runId }, name)
  if (!isConfigMapName(name)) return doneIf(isAsKept(entry, await readWhole(tools.host, name)))
  const present = await readConfigMap(await tools.kube(), name, signal)
  return doneIf(
    (present === undefined ? '' : sha256Hex(present.text)) === (entry.kind === 'absent' ? '' : entry.sha256),
  )
}

export const restoreBackup = changeOperation<RestoreBackupRequest>(restore, { evidence: isRestored })

const readWhole = (host: Host, path: string): Promise<HostFile | undefined> =>
  host.read(path, { mostBytes: mostBackedUpBytes })

async function restoreFile(context: ChangeContext, entry: BackupEntry, expected: string): Promise<OperationResult> {
  const { host } = context.tools
  const place = backupPlace(context)
  const { name: path } = entry
  const present = await readWhole(host, path)
  const found = present === undefined ? '' : sha256Hex(present.bytes)
  const wanted = entry.kind === 'absent' ? '' : entry.sha256
  if (isAsKept(entry, present)) return unchanged(`${path} is as it was before this run`)
  if (found !== expected && found !== wanted) {
    throw await drift(place, { path, expected, found, bytes: present?.bytes, redactText: redactAny })
  }
  const touched = [{ name: path, sha256Before: found, sha256After: wanted }]
  await putBackFile(place, entry)
  const summary =
    entry.kind === 'file'
      ? `restored ${path} as it was before this run`
      : `removed ${path}: it did not exist before this run`
  return changed({ summary, touched })
}

async function restoreConfigMap(
  context: ChangeContext,
  entry: BackupEntry,
  expected: string,
): Promise<OperationResult> {
  const { name } = entry
  if (!isConfigMapName(name)) throw new QuorateError('NOT_IN_TABLE', `${name} is not in the table of ConfigMaps`)
  const kube = await context.tools.kube()
  const present = await readConfigMap(kube, name, context.signal)
  const found = present === undefined ? '' : sha256Hex(present.text)
  const wanted = entry.kind === 'absent' ? '' : entry.sha256
  if (found === wanted) return unchanged(`${name} is as it was before this run`)
  if (present === undefined || entry.kind === 'absent' || found !== expected) {
    throw new QuorateError(
      'DRIFT',
      `${name} is not what was expected: expected sha256 ${expected}, found ${found || 'none'}`,
      {
        where: name,
      },
    )
  }
  const text = (await readKept(backupPlace(context), entry)).toString('utf8')
  await writeConfigMapText(kube, name, { object: present.object, text, signal: context.signal })
  return changed({
    summary: `restored ${name} as it was before this run`,
    touched: [{ name, sha256Before: found, sha256After: wanted }],
  })
}

/** Kubeconfigs and everything else: secrets in either do not leave the node. */
const redactAny = (text: string): string => redactKubeconfig(text)
