import { type Approval, type ApprovalStatement, readApproval, type SignedApproval } from '@quorate/shared/approval'
import { QuorateError } from '@quorate/shared/errors'
import { readCertificate } from '@quorate/shared/pki'
import { listRuns } from '../context/read-runs.js'
import { revokedKeys } from '../context/revoked-keys.js'
import type { Approvals, Session } from '../context/session.js'
import { type Approvable, isSameApprover, usedBy } from './judge.js'

/** The part of a session that keeps approvals; STATE_NOT_INITIALISED where it keeps none. */
export function approvalsOf({ approvals }: Session): Approvals {
  if (approvals === undefined) throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder keeps no approvals')
  return approvals
}

/** What an approver of this fleet signs to approve a plan from now on for some hours. */
export const statementFor = (
  plan: Approvable,
  by: { readonly approver: string; readonly caPem: string; readonly at: number; readonly hours: number },
): ApprovalStatement => ({
  ...{ cluster: plan.cluster, kind: plan.kind, planHash: plan.planHash },
  ...{ fleet: readCertificate(by.caPem).publicKeyPin, approver: by.approver },
  ...{ at: by.at, until: by.at + by.hours * 3_600_000 },
})

/**
 * Keeps an approval and records it in the history. APPROVAL_INVALID where it does not hold now, was used by a run, or the same approver has approved
 * that plan already. `plan`: what it has to be about, where that is known.
 */
export async function giveApproval(session: Session, signed: SignedApproval, plan?: Approvable): Promise<Approval> {
  const { store, caPem } = approvalsOf(session)
  const now = (session.clock?.now ?? Date.now)()
  const approval = readApproval(signed, { caPem, now, denied: await revokedKeys(session) })
  if (plan !== undefined) requireAbout(approval, plan)
  const run = usedBy(await listRuns(session)).get(approval.id)
  if (run !== undefined) throw refused(`it was used by run ${run}`)
  for (const other of await currentApprovals(session))
    if (isSame(other, approval) && isSameApprover(other, approval))
      throw refused(`${approval.approver} has approved this plan already, until ${new Date(other.until).toISOString()}`)
  await store.add(signed)
  const { kind, planHash, approver: who, fingerprint, cluster } = approval
  await session.history?.append({
    what: `approval of ${kind} ${cluster} ${planHash}`,
    who,
    fingerprint,
    outcome: 'given',
  })
  return approval
}

const refused = (why: string): QuorateError =>
  new QuorateError('APPROVAL_INVALID', `the approval does not count: ${why}`)

const isSame = (one: Approvable, other: Approvable): boolean =>
  one.cluster === other.cluster && one.kind === other.kind && one.planHash === other.planHash

function requireAbout(approval: Approval, plan: Approvable): void {
  if (approval.cluster !== plan.cluster) throw refused(`it is of cluster ${approval.cluster}, not of ${plan.cluster}`)
  if (approval.kind !== plan.kind) throw refused(`it is of a ${approval.kind}, not of a ${plan.kind}`)
  if (approval.planHash !== plan.planHash)
    throw new QuorateError(
      'PLAN_CHANGED',
      `the approval is of plan ${approval.planHash}, the current plan is ${plan.planHash}`,
      { where: plan.cluster },
    )
}

/** Approvals that hold now and that no run has used. */
export async function currentApprovals(session: Session): Promise<readonly Approval[]> {
  const { store, caPem } = approvalsOf(session)
  const now = (session.clock?.now ?? Date.now)()
  const used = usedBy(await listRuns(session))
  const denied = await revokedKeys(session)
  const all = (await store.list()).flatMap((signed) => {
    try {
      return [readApproval(signed, { caPem, now, denied })]
    } catch {
      return []
    }
  })
  return all.filter(({ id }) => !used.has(id))
}
