import { QuorateError } from '@quorate/shared/errors'
import type { Endpoint } from '@quorate/shared/names'
import type { ClusterFile } from '../config/cluster-file.js'
import { allChecks } from '../conversion/checks/all.js'
import { type Assessed, assess, isBlocking, unplannedFindings } from '../conversion/checks/assess.js'
import type { ConversionRun } from '../conversion/context/run.js'
import type { MissingNode } from '../engine/absence.js'
import { type PlannedStep, planSteps } from '../engine/plan.js'
import { approvalsNeeded } from './approvals/needed.js'
import { clusterFileHash, planHash } from './approvals/plan-hash.js'
import { connectToLook } from './connect-to-look.js'
import type { Session } from './context/session.js'
import { estimateSeconds } from './estimate.js'
import { conversionRun, workersMayMiss } from './session-run.js'

/** What `quorate plan` shows and the operator approves. Plain data. */
export interface Plan {
  readonly cluster: string
  readonly endpoint: Endpoint
  /** How many approvers have to sign it before it may run. */
  readonly approvals: number
  readonly clusterFileHash: string
  /** Every step of the order; those that need no change have no actions. */
  readonly steps: readonly PlannedStep[]
  readonly findings: readonly Assessed[]
  /** What Quorate chose where the cluster file leaves it open, and why: one sentence each. */
  readonly choices: readonly string[]
  /** An error finding that is not ignored: the run would be refused. */
  readonly blocked: boolean
  /** sha256, hex; equal whenever the same would be done. */
  readonly hash: string
  readonly estimateSeconds: number
  /** One sentence for each point of no return. */
  readonly noWayBack: readonly string[]
  /** What the operator does afterwards where no agent runs. */
  readonly elsewhere: readonly string[]
  /** Workers that do not answer: the rest is converted without them, and their actions wait. */
  readonly missing: readonly MissingNode[]
}

/** Facts, findings and the ordered actions with their diffs. Changes nothing on any node. */
export async function planConversion(session: Session, file: ClusterFile): Promise<Plan> {
  const fleet = await connectToLook(session, file.name)
  try {
    const run = conversionRun(session, fleet, { id: 'plan', file, mayMiss: workersMayMiss(file) })
    const { findings: seen, facts } = await assess(run, session.checks ?? allChecks)
    // Without facts of every node no plan is possible; the findings already report which node is missing and why.
    const steps = facts === 'complete' ? await planSteps(run.order, run, { tolerant: true }) : []
    // Where findings already block, a step that cannot be planned is not reported as well.
    const findings = seen.some(isBlocking) ? seen : [...unplannedFindings(run, steps), ...seen]
    const blocked = findings.some(isBlocking)
    const choices = facts === 'complete' ? await choicesOf(run) : []
    const approvals = await approvalsNeeded(session, file)
    return await describePlan(file, steps, { findings, choices, blocked, run, approvals })
  } finally {
    fleet.close()
  }
}

/** None where the release of the cluster is unknown: a check reports why, or no step needs it. */
const choicesOf = (run: ConversionRun): Promise<readonly string[]> =>
  run.endpointPolicy().then(
    ({ reason }) => [reason],
    () => [],
  )

/** What would be done, for the operator to read and approve. */
export async function describePlan(
  file: ClusterFile,
  steps: readonly PlannedStep[],
  seen: Pick<Plan, 'findings' | 'choices' | 'blocked' | 'approvals'> & { readonly run: ConversionRun },
): Promise<Plan> {
  const { approvals } = seen
  const hashed = { cluster: file.name, endpoint: file.endpoint, approvals, clusterFileHash: clusterFileHash(file) }
  return {
    ...hashed,
    steps,
    findings: seen.findings,
    choices: seen.choices,
    blocked: seen.blocked,
    missing: seen.run.absence.missing(),
    hash: planHash({ ...hashed, steps }),
    estimateSeconds: await estimateSeconds(steps, seen.run),
    noWayBack: steps.flatMap(({ actions }) =>
      actions.flatMap((action) => (action.noWayBack === undefined ? [] : [action.noWayBack])),
    ),
    elsewhere: steps.flatMap(({ actions }) =>
      actions.flatMap((action) => (action.elsewhere === undefined ? [] : [action.elsewhere])),
    ),
  }
}

/** Rejects a plan that must not run: BLOCKED_BY_FINDINGS, or PLAN_CHANGED when its hash is not the approved one. */
export function approve(plan: Plan, hash?: string): void {
  if (plan.blocked) {
    const blocking = plan.findings.filter(isBlocking)
    const list = blocking
      .map((finding) => finding.id + (finding.node === undefined ? '' : ` on ${finding.node}`))
      .join(', ')
    throw new QuorateError(
      'BLOCKED_BY_FINDINGS',
      `${blocking.length} ${blocking.length === 1 ? 'finding blocks' : 'findings block'} the conversion: ${list}`,
      {
        where: plan.cluster,
      },
    )
  }
  requireSamePlan(plan, hash)
}

/** PLAN_CHANGED where a plan of any kind is not the one that was read; `hash` unset: any may run. */
export function requireSamePlan(plan: Pick<Plan, 'cluster' | 'hash'>, hash?: string): void {
  if (hash === undefined || hash === plan.hash) return
  throw new QuorateError('PLAN_CHANGED', `the approved plan is ${hash}, the current plan is ${plan.hash}`, {
    where: plan.cluster,
  })
}
