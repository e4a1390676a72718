import type { LoadBalancerPlace, LoadBalancerUnit } from '@quorate/shared/load-balancer-place'
import { commands } from '../../host/commands.js'
import type { Host } from '../../host/host.js'
import { readUnit } from '../../host/unit-state.js'
import type { UnitBefore } from '../backup/store.js'
import type { ChangeContext } from '../context/operation.js'
import { runtimeFolder } from '../context/paths.js'
import { runUnitCommand } from '../context/run-unit.js'

/** Whether a service runs and is enabled; both false if it is not installed. */
export async function unitBefore(host: Host, unit: LoadBalancerUnit, signal: AbortSignal): Promise<UnitBefore> {
  const { activeState, unitFileState } = await readUnit(host, unit, signal)
  return {
    active: activeState === 'active' || activeState === 'reloading' || activeState === 'activating',
    enabled: unitFileState === 'enabled' || unitFileState === 'enabled-runtime',
  }
}

/** In tmpfs: sha256 of the configuration that a service last loaded. */
const loadedPath = (unit: LoadBalancerUnit): string => `${runtimeFolder}/${unit}.loaded`

/** Makes the next `bringUp` load the configuration in any case. */
export const forgetLoaded = (host: Host, unit: LoadBalancerUnit): Promise<void> => host.remove(loadedPath(unit))

/** True if a service runs, is enabled, and last loaded the configuration with this sha256. */
export async function isUp(
  { tools: { host }, signal }: Pick<ChangeContext, 'tools' | 'signal'>,
  unit: LoadBalancerUnit,
  sha256: string,
): Promise<boolean> {
  const { active, enabled } = await unitBefore(host, unit, signal)
  return active && enabled && (await host.read(loadedPath(unit)))?.bytes.toString('utf8') === sha256
}

/**
 * Makes a service run the configuration with this sha256: started if it was not, reloaded if it may run an older one (also
 * if an agent died between the write and the reload), untouched otherwise. True if anything was done.
 */
export async function bringUp(context: ChangeContext, unit: LoadBalancerUnit, sha256: string): Promise<boolean> {
  const { host } = context.tools
  const { active, enabled } = await unitBefore(host, unit, context.signal)
  const loaded = (await host.read(loadedPath(unit)))?.bytes.toString('utf8') === sha256
  if (active && enabled && loaded) return false
  if (!active || !enabled) await runUnitCommand(context, `${unit}-start`, commands.enableAndStart(unit))
  if (active && !loaded) await runUnitCommand(context, `${unit}-reload`, commands.reloadOrRestart(unit))
  await host.replace(loadedPath(unit), Buffer.from(sha256), { mode: 0o600 })
  return true
}

/** Makes systemd read its unit files again, after one of ours was written or removed. */
export async function readUnitFiles({ tools, signal }: ChangeContext): Promise<void> {
  await tools.host.run(commands.daemonReload(), signal)
}

/** Restores a service's state from before the run; its file is already restored. True if anything was done. */
export async function putBack(
  context: ChangeContext,
  { unit }: LoadBalancerPlace,
  before: UnitBefore,
): Promise<boolean> {
  const now = await unitBefore(context.tools.host, unit, context.signal)
  await context.tools.host.remove(loadedPath(unit))
  if (!before.active) {
    if (!now.active && (before.enabled || !now.enabled)) return false
    await runUnitCommand(context, `${unit}-stop`, commands.disableAndStop(unit))
    return true
  }
  if (!now.active || !now.enabled) await runUnitCommand(context, `${unit}-start`, commands.enableAndStart(unit))
  await runUnitCommand(context, `${unit}-reload`, commands.reloadOrRestart(unit))
  return true
}
