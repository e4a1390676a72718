import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFile } from '../../config/cluster-file.js'
import { silentNodes } from '../../conversion/checks/assess.js'
import type { Finding } from '../../conversion/context/finding.js'
import type { ConversionRun } from '../../conversion/context/run.js'
import type { ConversionStep } from '../../conversion/context/step.js'
import { neverJoined, toJoin } from '../../conversion/facts/membership.js'
import type { Verification } from '../../conversion/proofs/prove.js'
import { startLoadBalancer } from '../../conversion/steps/start-load-balancer.js'
import { type PlannedStep, planSteps } from '../../engine/plan.js'
import { approvalsNeeded } from '../approvals/needed.js'
import type { Session } from '../context/session.js'
import { fixOrder } from '../fix-order.js'
import { describePlan, type Plan } from '../plan.js'
import { requireFree } from '../require-free.js'
import { conversionRun, orderOf, workersMayMiss } from '../session-run.js'
import { verifyCluster } from '../verify.js'
import { fixOf } from './fixed-by.js'

/** A finding and the steps that fix it; none: why not. */
export interface Offer {
  readonly finding: Finding
  readonly steps: readonly string[]
  readonly noStep?: string
}

/** What `quorate verify --fix` shows before it asks. Plain data. */
export interface FixPlan {
  readonly verification: Verification
  /** One for each finding that keeps the cluster from being highly available. */
  readonly offers: readonly Offer[]
  /** What would be done; no steps where none can fix anything. Its findings are those that remain. */
  readonly plan: Plan
}

interface Missing {
  readonly proof: string
  readonly finding: Finding
}

/** What is missing for high availability, and the steps that would fix it, with their diffs; CLUSTER_HELD. Changes nothing. */
export async function planFix(session: Session, file: ClusterFile, signal: AbortSignal): Promise<FixPlan> {
  // A run in progress makes proofs fail that its own next steps fix.
  await requireFree(session, file.name)
  const verification = await verifyCluster(session, file, signal)
  const missing = verification.proofs.flatMap(({ id: proof, findings }) =>
    findings.filter(({ severity }) => severity === 'error').map((finding) => ({ proof, finding })),
  )
  const fleet = session.connect()
  try {
    const identity = { id: 'plan', file, mayMiss: workersMayMiss(file) } as const
    const looking = conversionRun(session, fleet, { ...identity, order: fixOrder(orderOf(session), new Set(), []) })
    const planned = await stepsFor(missing, looking, orderOf(session))
    const offers = missing.map((one) =>
      planned === 'to-convert' ? toConvert(one) : offerFor(one, orderOf(session), planned),
    )
    const remaining = offers.flatMap(({ finding, steps }) => (steps.length === 0 ? [finding] : []))
    // An action on a node fixes all that its step sees there, also beyond the findings.
    const ids = new Set(offers.flatMap(({ steps }) => steps))
    const run = conversionRun(session, fleet, { ...identity, order: fixOrder(orderOf(session), ids, remaining) })
    const steps = ids.size === 0 ? [] : await planSteps(run.order, run, { tolerant: false })
    const approvals = await approvalsNeeded(session, file)
    return {
      verification,
      offers,
      plan: await describePlan(file, steps, { findings: remaining, choices: [], blocked: false, run, approvals }),
    }
  } finally {
    fleet.close()
  }
}

/** NOT_HIGHLY_AVAILABLE where no step can fix what was found: then nothing starts, and there is nothing to approve. */
export function requireFixable({ plan }: FixPlan): void {
  if (plan.steps.length > 0) return
  throw new QuorateError('NOT_HIGHLY_AVAILABLE', 'no step can fix what was found', { where: plan.cluster })
}

const toConvert = ({ finding }: Missing): Offer => ({
  finding,
  steps: [],
  noStep: 'The cluster has one control plane only. Run `quorate convert -f cluster.yaml`.',
})

/** What the steps that fix these findings would do now; `to-convert` where no machine of the file was ever joined: that is no repair. */
async function stepsFor(
  missing: readonly Missing[],
  run: ConversionRun,
  order: readonly ConversionStep[],
): Promise<readonly PlannedStep[] | 'to-convert'> {
  if (missing.length === 0) return []
  // Without the facts of a control plane no plan is possible; the finding already names the one that does not answer.
  if ((await silentNodes(run)).some(({ severity }) => severity === 'error')) return []
  if (run.joining.length > 0 && (await neverJoined(run)).length === run.joining.length) return 'to-convert'
  const named = new Set<string>(
    missing.flatMap(({ proof }) => {
      const fix = fixOf(order, proof)
      return 'steps' in fix ? fix.steps : []
    }),
  )
  // Its backends are the joined control planes: an incompletely joined one would be removed from the load balancer.
  if ((await toJoin(run)).length > 0) named.delete(startLoadBalancer.id)
  return planSteps(
    order.filter(({ id }) => named.has(id)),
    run,
    { tolerant: true },
  )
}

function offerFor(
  { proof, finding }: Missing,
  order: readonly ConversionStep[],
  planned: readonly PlannedStep[],
): Offer {
  const fix = fixOf(order, proof)
  if ('noStep' in fix) return { finding, steps: [], noStep: fix.noStep }
  const steps = planned.filter(
    ({ id, actions }) =>
      fix.steps.some((step) => step === id) && actions.some((action) => fix.isAbout(finding, action)),
  )
  if (steps.length > 0) return { finding, steps: steps.map(({ id }) => id) }
  const problem = planned.find(({ id, problem }) => problem !== undefined && fix.steps.some((step) => step === id))
  const noStep = `No step can fix this: ${problem?.problem ?? 'everything they would write is already correct'}.`
  return { finding, steps: [], noStep }
}
