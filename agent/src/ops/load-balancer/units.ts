import { commands, type LoadBalancerUnit } from '../../host/commands.js'
import type { Host } from '../../host/host.js'
import { readUnit } from '../../host/unit-state.js'
import type { UnitBefore } from '../backup/store.js'
import type { ChangeContext } from '../operation.js'
import { runUnitCommand } from '../run-unit.js'

export const loadBalancerUnits: readonly LoadBalancerUnit[] = ['haproxy', 'keepalived']

/** Whether a service runs and is started at boot; neither where it is not installed. */
export async function unitBefore(host: Host, unit: LoadBalancerUnit, signal: AbortSignal): Promise<UnitBefore> {
  const { activeState, unitFileState } = await readUnit(host, unit, signal)
  return {
    active: activeState === 'active' || activeState === 'reloading' || activeState === 'activating',
    enabled: unitFileState === 'enabled' || unitFileState === 'enabled-runtime',
  }
}

/**
 * Makes a service run what its file says now: started where it was not, reloaded where the file changed, untouched otherwise.
 * True when anything was done.
 */
export async function bringUp(context: ChangeContext, unit: LoadBalancerUnit, fileChanged: boolean): Promise<boolean> {
  const { active, enabled } = await unitBefore(context.tools.host, unit, context.signal)
  if (!active || !enabled) await runUnitCommand(context, `${unit}-start`, commands.enableAndStart(unit))
  if (active && fileChanged) await runUnitCommand(context, `${unit}-reload`, commands.reloadOrRestart(unit))
  return !active || !enabled || fileChanged
}

/** Puts a service back as it was before the run, its file already being the old one. True when anything was done. */
export async function putBack(context: ChangeContext, unit: LoadBalancerUnit, before: UnitBefore): Promise<boolean> {
  const now = await unitBefore(context.tools.host, unit, context.signal)
  if (!before.active) {
    if (!now.active && (before.enabled || !now.enabled)) return false
    await runUnitCommand(context, `${unit}-stop`, commands.disableAndStop(unit))
    return true
  }
  if (!now.active || !now.enabled) await runUnitCommand(context, `${unit}-start`, commands.enableAndStart(unit))
  await runUnitCommand(context, `${unit}-reload`, commands.reloadOrRestart(unit))
  return true
}
