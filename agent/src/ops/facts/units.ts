import type { NodeFacts, UnitState } from '@quorate/shared/gen/quorate/v1/facts'
import type { Host } from '../../host/host.js'
import { readUnit } from '../../host/unit-state.js'

const unitNames = ['kubelet', 'containerd', 'crio', 'haproxy', 'keepalived', 'firewalld']

/** States of the services that a conversion needs or changes; those that are not installed are left out. */
export async function readUnits(
  host: Host,
  signal: AbortSignal,
): Promise<Pick<NodeFacts, 'units' | 'firewalldActive'>> {
  const seen = await Promise.all(unitNames.map((name) => unitState(host, name, signal).catch(() => undefined)))
  const units = seen.filter((unit) => unit !== undefined)
  return {
    units,
    firewalldActive: units.some(({ name, activeState }) => name === 'firewalld' && activeState === 'active'),
  }
}

async function unitState(host: Host, name: string, signal: AbortSignal): Promise<UnitState | undefined> {
  const unit = await readUnit(host, name, signal)
  if (unit.loadState !== 'loaded') return undefined
  return {
    name,
    activeState: unit.activeState,
    unitFileState: unit.unitFileState,
    activeSinceUnixMs: unit.execMainStartUnixMs || unit.activeEnterUnixMs,
  }
}
