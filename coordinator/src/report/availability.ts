import { totalOf } from '../engine/availability.js'
import type { RunState } from '../engine/fold.js'
import type { ReportedAvailability } from './schema.js'

/** What users saw of the API, in the order of observation; a step that was resumed later counts once. */
export function availabilityOf({ availability }: RunState): ReportedAvailability {
  const steps = [...new Set(availability.map(({ during }) => during))].map((step) => {
    const ways = availability.filter(({ during }) => during === step)
    return { step, ...totalOf(ways), ways }
  })
  return { total: totalOf(availability), steps }
}
