import { type AvailabilityTotal, totalOf } from '../engine/availability.js'
import type { AvailabilityRecord } from '../engine/events.js'
import type { RunState } from '../engine/fold.js'

/** What users saw of the API: of the whole run, and of each step in which somebody was asked. */
export interface ReportedAvailability {
  readonly total: AvailabilityTotal
  readonly steps: readonly (AvailabilityTotal & {
    readonly step: string
    readonly ways: readonly AvailabilityRecord[]
  })[]
}

/** In the order in which they were watched; a step that was gone on with later is one. */
export function availabilityOf({ availability }: RunState): ReportedAvailability {
  const steps = [...new Set(availability.map(({ during }) => during))].map((step) => {
    const ways = availability.filter(({ during }) => during === step)
    return { step, ...totalOf(ways), ways }
  })
  return { total: totalOf(availability), steps }
}
