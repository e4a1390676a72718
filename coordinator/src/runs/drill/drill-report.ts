import { totalOf } from '../../engine/availability.js'
import type { AvailabilityRecord, RunError } from '../../engine/events.js'
import type { Outcome, RunState, StepRecord } from '../../engine/fold.js'
import { fullHealth } from './drill-order.js'

/** What one scenario did to users. */
export interface DrilledScenario {
  readonly id: string
  readonly title: string
  /** `survived`: all parts restarted and every proof held again. */
  readonly verdict: 'survived' | 'failed' | 'not done'
  /** What was stopped, where and when, in words. */
  readonly stopped: readonly string[]
  /** As seen through the endpoint, from each place. */
  readonly seen: readonly AvailabilityRecord[]
  /** The longest time without a good answer, at any place; undefined where nothing could be watched. */
  readonly longestGapMs?: number
  /** From the restart request until every proof held. */
  readonly fullHealthSeconds?: number
  readonly error?: RunError
}

export interface DrillReport {
  readonly run: string
  readonly cluster: string
  readonly outcome: Outcome
  readonly verdict: string
  readonly scenarios: readonly DrilledScenario[]
}

/** The report of a drill, from its journal. */
export function drillReport(run: RunState): DrillReport {
  const scenarios = run.steps.map((step) => scenarioOf(step, run.availability))
  const survived = scenarios.filter(({ verdict }) => verdict === 'survived').length
  const longest = Math.max(0, ...scenarios.map(({ longestGapMs = 0 }) => longestGapMs))
  const verdict =
    run.outcome === 'done'
      ? `${run.cluster} survived ${survived === 1 ? '1 scenario' : `all ${survived} scenarios`}; the longest gap that a user saw was ${longest} ms.`
      : `${run.cluster} survived ${survived} of ${scenarios.length} ${scenarios.length === 1 ? 'scenario' : 'scenarios'}; the drill ended as ${run.outcome}.`
  return { run: run.id, cluster: run.cluster, outcome: run.outcome, verdict, scenarios }
}

function scenarioOf({ id, title, state, actions }: StepRecord, all: readonly AvailabilityRecord[]): DrilledScenario {
  const seen = all.filter(({ during }) => during === id)
  const watched = totalOf(seen).asked > 0 ? { longestGapMs: totalOf(seen).longestGapMs } : {}
  const evidence = actions.flatMap((action) => action.evidence)
  const healthy = evidence.find(({ what }) => what === fullHealth)
  const error = actions.find((action) => action.error !== undefined)?.error
  return {
    ...{ id, title, seen, ...watched },
    verdict: state === 'done' ? 'survived' : state === 'waiting' ? 'not done' : 'failed',
    stopped: evidence.filter(({ what }) => what.startsWith('stopped on ')).map(({ what, saw }) => `${what}: ${saw}`),
    ...(healthy === undefined ? {} : { fullHealthSeconds: Number.parseFloat(healthy.saw) }),
    ...(error === undefined ? {} : { error }),
  }
}
