import type { Machine } from './machine.js'
import type { SiteParts } from './site-parts.js'

/** Everything that one simulated site is made of. */
export interface Site extends SiteParts {
  readonly machines: Map<string, Machine>
}

/** The machine of that name; throws for none. */
export function machineOf(site: Site, name: string): Machine {
  const machine = site.machines.get(name)
  if (machine === undefined) throw new Error(`no node ${name} in this laboratory`)
  return machine
}
