import type { StopLoadBalancerRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { isQuorateConfig } from '@quorate/shared/load-balancer-config'
import { type LoadBalancerPlace, placesOf } from '@quorate/shared/load-balancer-place'
import { commands } from '../host/commands.js'
import {
  type BackupEntry,
  backupPlace,
  isAsKept,
  putBackFile,
  readBackupIndex,
  type UnitBefore,
} from './backup/store.js'
import { type ChangeContext, type ChangeOperation, changeOperation, type LookContext } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import { putBack, readUnitFiles, unitBefore } from './load-balancer/units.js'

/** If this run had something running: the address is released before its server stops. */
const places = [...placesOf('keepalived'), ...placesOf('haproxy')]

/**
 * Stops keepalived and haproxy and restores what was there before this run: files and services, also in the package's folder, which earlier
 * releases used. A service that this run did not touch, and a file that is not Quorate's, are left alone.
 */
const stop: ChangeOperation<StopLoadBalancerRequest>['run'] = async (_request, context) => {
  const touched: TouchedObject[] = []
  let acted = false
  for (const { place, before, entries } of await touchedPlaces(context)) {
    if (!(await isOurs(context, place))) continue
    if (!before.active) acted = (await putBack(context, place, before)) || acted
    for (const entry of entries) touched.push(...(await putFileBack(context, entry)))
    if (touched.some(({ name }) => name === place.unitPath)) await forgetUnit(context, place)
    if (before.active) acted = (await putBack(context, place, before)) || acted
  }
  if (!acted && touched.length === 0) return unchanged('this node has no load balancer of this run')
  return changed({ summary: 'stopped the load balancer and restored what was there before this run', touched })
}

const isStopped: ChangeOperation<StopLoadBalancerRequest>['evidence'] = async (_, context) => {
  const { host } = context.tools
  for (const { place, before, entries } of await touchedPlaces(context)) {
    // A file of the operator in the package's folder is theirs to change.
    if (!(await isOurs(context, place))) continue
    for (const entry of entries)
      if (!isAsKept(entry, await host.read(entry.name))) return { done: 'no', differs: entry.name }
    if ((await unitBefore(host, place.unit, context.signal)).active !== before.active)
      return { done: 'no', unit: place.unit }
  }
  return { done: 'yes' }
}

export const stopLoadBalancer = changeOperation<StopLoadBalancerRequest>(stop, { evidence: isStopped })

interface TouchedPlace {
  readonly place: LoadBalancerPlace
  /** The state of its service before this run. */
  readonly before: UnitBefore
  /** Its files in this run's backup, the configuration first. */
  readonly entries: readonly BackupEntry[]
}

async function touchedPlaces({
  tools,
  header,
}: Pick<LookContext, 'tools' | 'header'>): Promise<readonly TouchedPlace[]> {
  const index = await readBackupIndex({ ...tools, runId: header.runId })
  return places.flatMap((place) => {
    const before = index.units[place.unit]
    const entryOf = (path: string | undefined) => index.entries.find(({ name }) => name === path)
    const config = entryOf(place.configPath)
    if (before === undefined || config === undefined) return []
    const unitFile = entryOf(place.unitPath)
    return [{ place, before, entries: unitFile === undefined ? [config] : [config, unitFile] }]
  })
}

/** For a file in the package's folder; a file in Quorate's own folder is always ours. */
async function isOurs(
  { tools }: Pick<LookContext, 'tools'>,
  { configPath, unitPath }: LoadBalancerPlace,
): Promise<boolean> {
  if (unitPath !== undefined) return true
  const file = await tools.host.read(configPath)
  return file !== undefined && isQuorateConfig(file.bytes.toString('utf8'))
}

/** systemd remembers a failed unit even after its file is gone. */
async function forgetUnit(context: ChangeContext, { unit }: LoadBalancerPlace): Promise<void> {
  await readUnitFiles(context)
  await context.tools.host.run(commands.resetFailedUnit(unit), context.signal)
}

async function putFileBack(context: ChangeContext, entry: BackupEntry): Promise<TouchedObject[]> {
  const { host } = context.tools
  const present = await host.read(entry.name)
  const sha256Before = present === undefined ? '' : sha256Hex(present.bytes)
  const sha256After = entry.kind === 'absent' ? '' : entry.sha256
  if (isAsKept(entry, present)) return []
  await putBackFile(backupPlace(context), entry)
  return [{ name: entry.name, sha256Before, sha256After }]
}
