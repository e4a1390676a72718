import type { RunId } from '@quorate/shared/names'
import type { ClusterFile } from '../../config/cluster-file.js'
import type { Approvable } from '../approvals/judge.js'
import type { Session } from '../context/session.js'
import { type DrillPlan, type DrillRequest, planDrill, requireHighlyAvailable } from '../drill/plan-drill.js'
import { type FixPlan, planFix, requireFixable } from '../fix/plan-fix.js'
import { type Plan, planConversion, approve as requireRunnable } from '../plan.js'
import { planRollback, type RollbackPlan } from '../rollback.js'

/** What an approver wants to approve. */
export type ToApprove =
  | { readonly kind: 'convert' | 'fix'; readonly file: ClusterFile }
  | { readonly kind: 'drill'; readonly request: DrillRequest }
  | { readonly kind: 'rollback'; readonly id: RunId; readonly keepEndpoint: boolean }

/** Its plan, and what of it is signed. */
export type PlanToApprove = { readonly about: Approvable } & (
  | { readonly kind: 'convert'; readonly plan: Plan }
  | { readonly kind: 'fix'; readonly plan: FixPlan }
  | { readonly kind: 'drill'; readonly plan: DrillPlan }
  | { readonly kind: 'rollback'; readonly plan: RollbackPlan }
)

/**
 * Plans what is to be approved as it would be done now, for any kind of run. What could not start cannot be approved: BLOCKED_BY_FINDINGS,
 * NOT_HIGHLY_AVAILABLE.
 */
export async function planToApprove(session: Session, wish: ToApprove, signal: AbortSignal): Promise<PlanToApprove> {
  switch (wish.kind) {
    case 'convert': {
      const plan = await planConversion(session, wish.file)
      requireRunnable(plan)
      return { kind: 'convert', plan, about: aboutOf('convert', plan) }
    }
    case 'fix': {
      const plan = await planFix(session, wish.file, signal)
      requireFixable(plan)
      return { kind: 'fix', plan, about: aboutOf('fix', plan.plan) }
    }
    case 'drill': {
      const plan = await planDrill(session, wish.request, signal)
      requireHighlyAvailable(plan)
      return { kind: 'drill', plan, about: aboutOf('drill', plan) }
    }
    case 'rollback': {
      const plan = await planRollback(session, wish)
      return { kind: 'rollback', plan, about: aboutOf('rollback', plan) }
    }
  }
}

const aboutOf = (kind: Approvable['kind'], { cluster, hash }: Pick<Plan, 'cluster' | 'hash'>): Approvable => ({
  ...{ cluster, kind },
  planHash: hash,
})
