import type { NodeFacts, UnitState } from '@quorate/shared/gen/quorate/v1/facts'
import type { Host } from '../../host/host.js'
import { readUnits as askUnits } from '../../host/unit-state.js'

const unitNames = [
  ...['kubelet', 'containerd', 'crio', 'firewalld', 'ufw'],
  ...['haproxy', 'keepalived', 'quorate-haproxy', 'quorate-keepalived'],
]

/** States of the services that a conversion needs or changes; those that are not installed are omitted. */
export async function readUnits(
  host: Host,
  signal: AbortSignal,
): Promise<Pick<NodeFacts, 'units' | 'firewalldActive'>> {
  const seen = await askUnits(host, unitNames, signal)
  const units = seen.flatMap((unit, index): UnitState[] => {
    if (unit.loadState !== 'loaded') return []
    const { activeState, unitFileState, execMainStartUnixMs, activeEnterUnixMs } = unit
    const activeSinceUnixMs = execMainStartUnixMs || activeEnterUnixMs
    return [{ name: unitNames[index] ?? '', activeState, unitFileState, activeSinceUnixMs }]
  })
  return {
    units,
    firewalldActive: units.some(({ name, activeState }) => name === 'firewalld' && activeState === 'active'),
  }
}
