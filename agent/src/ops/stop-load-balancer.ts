import type { StopLoadBalancerRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import type { LoadBalancerUnit } from '../host/commands.js'
import { type BackupEntry, backupPlace, isAsKept, putBackFile, readBackupIndex } from './backup/store.js'
import { loadBalancerUnits, putBack, unitBefore } from './load-balancer/units.js'
import { configPaths } from './load-balancer/write-config.js'
import { type ChangeContext, type ChangeOperation, changeOperation } from './operation.js'
import { changed, unchanged } from './result.js'

/**
 * Stops keepalived and haproxy, in this order so that the address leaves before what answers on it, and puts back what was there
 * before this run: files and services. A service that this run did not touch is left alone, and so is a file that is not Quorate's.
 */
const stop: ChangeOperation<StopLoadBalancerRequest>['run'] = async (_request, context) => {
  const index = await readBackupIndex(backupPlace(context))
  const touched: TouchedObject[] = []
  let acted = false
  for (const unit of ['keepalived', 'haproxy'] as const) {
    const before = index.units[unit]
    const entry = index.entries.find(({ name }) => name === configPaths[unit])
    if (before === undefined || entry === undefined || !(await isOurs(context, unit))) continue
    if (!before.active) acted = (await putBack(context, unit, before)) || acted
    touched.push(...(await putFileBack(context, unit, entry)))
    if (before.active) acted = (await putBack(context, unit, before)) || acted
  }
  if (!acted && touched.length === 0) return unchanged('no load balancer of this run is here')
  return changed({ summary: 'stopped the load balancer and put back what was there before this run', touched })
}

const isStopped: ChangeOperation<StopLoadBalancerRequest>['evidence'] = async (_, { tools, header, signal }) => {
  const index = await readBackupIndex({ ...tools, runId: header.runId })
  for (const unit of loadBalancerUnits) {
    const before = index.units[unit]
    const entry = index.entries.find(({ name }) => name === configPaths[unit])
    if (before === undefined || entry === undefined) continue
    if (!isAsKept(entry, await tools.host.read(configPaths[unit]))) return { done: 'no', differs: unit }
    if ((await unitBefore(tools.host, unit, signal)).active !== before.active) return { done: 'no', unit }
  }
  return { done: 'yes' }
}

export const stopLoadBalancer = changeOperation<StopLoadBalancerRequest>(stop, { evidence: isStopped })

async function isOurs({ tools }: ChangeContext, unit: LoadBalancerUnit): Promise<boolean> {
  const file = await tools.host.read(configPaths[unit])
  return file !== undefined && isQuorateConfig(file.bytes.toString('utf8'))
}

async function putFileBack(
  context: ChangeContext,
  unit: LoadBalancerUnit,
  entry: BackupEntry,
): Promise<TouchedObject[]> {
  const { host } = context.tools
  const path = configPaths[unit]
  const present = await host.read(path)
  const sha256Before = present === undefined ? '' : sha256Hex(present.bytes)
  const sha256After = entry.kind === 'absent' ? '' : entry.sha256
  if (isAsKept(entry, present)) return []
  await putBackFile(backupPlace(context), entry)
  return [{ name: path, sha256Before, sha256After }]
}
