import type { NodeFacts, UnitState } from '@quorate/shared/gen/quorate/v1/facts'

/** A service of systemd as a node last reported it, by its name with or without `.service`; undefined where the node has none. */
export const unitOf = ({ units }: Pick<NodeFacts, 'units'>, name: string): UnitState | undefined =>
  units.find((unit) => unit.name.replace(/\.service$/, '') === name)
