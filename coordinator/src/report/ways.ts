import { type AvailabilityTotal, totalOf } from '../engine/availability.js'
import type { ReportedWay, RunReport } from './schema.js'

/** One way to the API over the whole run, from any node. */
export interface Way extends AvailabilityTotal {
  readonly target: string
  /** In words. */
  readonly name: string
  readonly places: readonly string[]
  readonly records: readonly ReportedWay[]
}

const ranks: Readonly<Record<string, number>> = { endpoint: 0, write: 2, 'service-kubernetes': 3, 'cluster-dns': 4 }
const names: Readonly<Record<string, string>> = {
  endpoint: 'through the endpoint',
  write: 'writes',
  'service-kubernetes': 'as pods: Service kubernetes',
  'cluster-dns': 'as pods: cluster DNS',
}

/** The observed ways, also those that could not be observed (0 requests): the endpoint, then each API server, writes, and what pods use. */
export const waysOf = ({ availability }: Pick<RunReport, 'availability'>): readonly Way[] =>
  waysIn(availability.steps.flatMap(({ ways }) => ways))

/** The same of any records. */
export function waysIn(records: readonly ReportedWay[]): readonly Way[] {
  const rank = (target: string) => ranks[target] ?? 1
  const targets = [...new Set(records.map(({ target }) => target))].sort((a, b) => rank(a) - rank(b))
  return targets.map((target) => wayOf(target, records))
}

function wayOf(target: string, all: readonly ReportedWay[]): Way {
  const records = all.filter((one) => one.target === target)
  return {
    ...totalOf(records),
    target,
    name: names[target] ?? `at ${target}`,
    places: [...new Set(records.map(({ place }) => place))],
    records,
  }
}
