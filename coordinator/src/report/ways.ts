import { type AvailabilityTotal, totalOf } from '../engine/availability.js'
import type { ReportedWay, RunReport } from './schema.js'

/** One way to the API over the whole run, whoever asked. */
export interface Way extends AvailabilityTotal {
  readonly target: string
  /** In words. */
  readonly name: string
  readonly places: readonly string[]
  readonly records: readonly ReportedWay[]
}

/** The ways that were watched, or could not be (0 requests): the endpoint first, then each API server, then writes. */
export function waysOf({ availability }: RunReport): readonly Way[] {
  const rank = (target: string) => (target === 'endpoint' ? 0 : target === 'write' ? 2 : 1)
  const records = availability.steps.flatMap(({ ways }) => ways)
  const targets = [...new Set(records.map(({ target }) => target))].sort((a, b) => rank(a) - rank(b))
  return targets.map((target) => wayOf(target, records))
}

function wayOf(target: string, all: readonly ReportedWay[]): Way {
  const records = all.filter((one) => one.target === target)
  return {
    ...totalOf(records),
    target,
    name: target === 'endpoint' ? 'through the endpoint' : target === 'write' ? 'writes' : `at ${target}`,
    places: [...new Set(records.map(({ place }) => place))],
    records,
  }
}
