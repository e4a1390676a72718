import { QuorateError } from '@quorate/shared/errors'
import type { StepTally, Way } from './step-tally.js'
import { dnsTarget, endpointTarget, serviceTarget, writeTarget } from './targets.js'

export interface BudgetParts {
  readonly places: readonly string[]
  /** Names of the present targets. */
  readonly targets: readonly string[]
  /** The first control plane: what users connect to while there is no endpoint. */
  readonly first: string
  readonly budgetMs: number
  /** The outage that was approved for the step of the tally. */
  readonly plannedMs: number
}

const inWords: Readonly<Record<string, string>> = {
  [writeTarget]: 'writes failed',
  [serviceTarget]: 'pods had no answer from the Service kubernetes',
  [dnsTarget]: 'cluster DNS did not answer',
}

/**
 * The error that stops a run when users were without the API for longer than its budget in one step; undefined while they were not.
 * A user takes one path, not all at once: the worst of all places counts, and of reads, writes and pods through Services (docs/decisions/0007).
 */
export function overBudget(tally: StepTally, parts: BudgetParts): QuorateError | undefined {
  const { places, targets, first, budgetMs, plannedMs } = parts
  const read = targets.includes(endpointTarget) ? endpointTarget : first
  const ways: Way[] = places.flatMap((place) =>
    [read, writeTarget, serviceTarget, dnsTarget].map((target) => ({ place, target })),
  )
  const [worst] = ways.map((way) => ({ ...way, ms: tally.outageMs(way) })).sort((a, b) => b.ms - a.ms)
  if (worst === undefined || worst.ms <= budgetMs + plannedMs) return undefined
  const planned = plannedMs === 0 ? '' : `, plus ${plannedMs / 1000} s planned`
  const what = inWords[worst.target] ?? `${worst.target} did not answer`
  return new QuorateError(
    'AVAILABILITY_BUDGET_SPENT',
    `${what} for ${(worst.ms / 1000).toFixed(1)} s in ${tally.during}; ${budgetMs / 1000} s are allowed in one step${planned}`,
    { where: worst.place },
  )
}
