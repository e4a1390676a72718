import type { BackUpFilesRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { loadBalancerUnits } from '@quorate/shared/load-balancer-place'
import { plural } from '@quorate/shared/plural'
import { configMapNames, readConfigMap } from './backup/config-maps.js'
import { filesToKeep } from './backup/select-files.js'
import { backupPlace, keepFiles, keepObject, keepUnit, readBackupIndex } from './backup/store.js'
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './context/operation.js'
import { backupFolder } from './context/paths.js'
import { changed, unchanged } from './context/result.js'
import { unitBefore } from './load-balancer/units.js'

/**
 * Copies every file that later steps touch into this run's backup, with owner and mode, and records what did not exist; on the
 * first control plane the ConfigMaps too. Repeated, it adds only what is missing: the first copy is the one from before the run.
 */
const backUp: ChangeOperation<BackUpFilesRequest>['run'] = async ({ includeApiObjects }, context) => {
  const place = backupPlace(context)
  const before = (await readBackupIndex(place)).entries.length
  await keepFiles(place, await filesToKeep(context.tools.host))
  for (const unit of loadBalancerUnits) {
    await keepUnit(place, unit, await unitBefore(context.tools.host, unit, context.signal))
  }
  if (includeApiObjects) await keepConfigMaps(context)
  const { entries } = await readBackupIndex(place)
  const count = (kind: string): number => entries.filter((entry) => entry.kind === kind).length
  const folder = backupFolder(context.tools.stateFolder, context.header.runId)
  const summary = `kept ${plural(count('file'), 'file')} and ${plural(count('object'), 'API object')} in ${folder}`
  const hashes = entries.map((entry) => [entry.name, entry.kind === 'absent' ? '' : entry.sha256] as const)
  const facts = {
    folder,
    files: String(count('file')),
    objects: String(count('object')),
    absent: String(count('absent')),
    ...Object.fromEntries(hashes),
  }
  return entries.length === before ? unchanged(summary, facts) : changed({ summary, facts })
}

/** A name enters the index after its bytes are stored. */
const isBackedUp: ChangeOperation<BackUpFilesRequest>['evidence'] = async ({ includeApiObjects }, context) => {
  const { tools, header } = context
  const { entries, units } = await readBackupIndex({ ...tools, runId: header.runId })
  const known = new Set(entries.map(({ name }) => name))
  const wanted = [...(await filesToKeep(tools.host)), ...(includeApiObjects ? configMapNames : [])]
  const missing = wanted.filter((name) => !known.has(name))
  return doneIf(missing.length === 0 && loadBalancerUnits.every((unit) => Object.hasOwn(units, unit)), {
    missing: missing.join(' '),
  })
}

export const backUpFiles = changeOperation<BackUpFilesRequest>(backUp, { evidence: isBackedUp })

async function keepConfigMaps(context: ChangeContext): Promise<void> {
  const kube = await context.tools.kube()
  for (const name of configMapNames) {
    const seen = await readConfigMap(kube, name, context.signal)
    await keepObject(backupPlace(context), name, seen?.text)
  }
}
