import { createHash } from 'node:crypto'
import { asQuorateError, type ErrorCode, QuorateError } from '@quorate/shared/errors'
import type { Action, Diff, Step } from './step.js'

/** One step of a plan; without actions no change is needed. */
export interface PlannedStep {
  readonly id: string
  readonly title: string
  readonly actions: readonly Action[]
  /** Why it could not be planned: only in a plan that findings block. */
  readonly problem?: string
  /** Code, place and remedy of that problem. */
  readonly unplanned?: { readonly code: ErrorCode; readonly where?: string; readonly remedy: string }
}

/** Plans every step. With `tolerant`, a step that cannot be planned has a problem instead of failing the plan. */
export function planSteps<Run>(
  order: readonly Step<Run>[],
  run: Run,
  { tolerant }: { tolerant: boolean },
): Promise<readonly PlannedStep[]> {
  return Promise.all(
    order.map(async (step) => {
      const { id, title } = step
      try {
        return { id, title, actions: await step.plan(run) }
      } catch (error) {
        if (!tolerant) throw error
        const { message, code, where, remedy } = asQuorateError(error)
        const unplanned = { code, remedy, ...(where === undefined ? {} : { where }) }
        return { id, title, actions: [], problem: message, unplanned }
      }
    }),
  )
}

/** Canonical JSON: keys sorted, undefined left out; so the same data has one text. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
}

/** sha256 of the canonical JSON, hex. */
export function canonicalHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/** Words that carry a value: a name or address with a dot, a path, a URL, a number. */
const valuesIn = (does: string): string =>
  does
    .split(/[\s,;()'"`]+/)
    .map((word) => word.replace(/[.:]+$/, ''))
    .filter((word) => /[\d./:=]/.test(word))
    .sort()
    .join(' ')

/** An action that another version of this program described may be worded differently; its names, addresses, paths and numbers are the same. */
export const saysTheSame = (one: Action, other: Action): boolean => valuesIn(one.does) === valuesIn(other.does)

/**
 * Compares what a step would do now with what was approved: an action that is no longer needed is fine (it was finished), a new one
 * is PLAN_CHANGED, one with other content is a DRIFT that shows both diffs. `isSame` compares the words of two actions.
 */
export function requireApproved(
  step: string,
  approved: readonly Action[],
  now: readonly Action[],
  isSame = (one: Action, other: Action): boolean => one.does === other.does,
): void {
  const known = new Map(approved.map((action) => [action.id, action]))
  for (const action of now) {
    const before = known.get(action.id)
    if (before === undefined || !isSame(before, action) || before.node !== action.node) {
      const instead =
        before === undefined ? 'the approved plan has no such action' : `the approved plan has: ${before.does}`
      throw new QuorateError('PLAN_CHANGED', `${step} would now do on ${action.node}: ${action.does}; ${instead}`, {
        where: action.node,
      })
    }
    const changed = firstDifference(before.diffs, action.diffs)
    if (changed !== undefined) throw new QuorateError('DRIFT', `${step}: ${changed}`, { where: action.node })
  }
}

function firstDifference(approved: readonly Diff[], now: readonly Diff[]): string | undefined {
  const names = new Set([...approved, ...now].map(({ name }) => name))
  for (const name of names) {
    const [before, after] = [approved, now].map((diffs) => diffs.find((diff) => diff.name === name)?.text)
    if (before === after) continue
    return `${name} has changed since the plan.\n--- approved\n${before ?? '(not in the plan)'}\n--- now\n${after ?? '(no longer needed)'}`
  }
  return undefined
}
