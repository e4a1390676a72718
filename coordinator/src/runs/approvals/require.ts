import { type Approval, type ApprovalKind, readApproval, type SignedApproval } from '@quorate/shared/approval'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { ClusterFile } from '../../config/cluster-file.js'
import type { RunState } from '../../engine/fold.js'
import { clusterFileOf } from '../context/cluster-file-of.js'
import { listRuns } from '../context/read-runs.js'
import { revokedKeys } from '../context/revoked-keys.js'
import type { Session } from '../context/session.js'
import { approvalsOf } from './give.js'
import { type Approvable, type Judged, judgeApprovals, usedBy } from './judge.js'
import { approvalsNeeded } from './needed.js'

/** Who starts a run. */
export interface Starter {
  /** For the journal: `root (uid 0)`, `token pipeline`. */
  readonly who: string
  /** Names by which this person could be an approver. */
  readonly names: readonly string[]
}

const made = Symbol('made by this module')

/** That a run may start. Only this module makes one, and no run starts without. */
export interface MayStart {
  readonly [made]: true
  /** For the first event in the journal. */
  readonly recorded: { readonly startedBy?: string; readonly approvals?: readonly SignedApproval[] }
}

export interface ApprovalRequest extends Approvable {
  readonly file: ClusterFile
  readonly by: Starter | undefined
  /** The run that a rollback undoes. */
  readonly run?: string
  /** Options of the command that change its plan. */
  readonly options?: readonly string[]
}

/** That enough approvers have signed this plan, none of whom starts it. APPROVALS_MISSING, or PLAN_CHANGED where another plan was approved. */
export async function requireApprovals(session: Session, request: ApprovalRequest): Promise<MayStart> {
  const { file, by } = request
  const startedBy = by === undefined ? {} : { startedBy: by.who }
  const needed = await approvalsNeeded(session, file)
  if (needed === 0) return { [made]: true, recorded: startedBy }
  const { store, caPem } = approvalsOf(session)
  const judged = judgeApprovals(await store.list(), request, {
    ...{ caPem, now: (session.clock?.now ?? Date.now)(), starter: by?.names ?? [] },
    used: usedBy(await listRuns(session)),
    denied: await revokedKeys(session),
  })
  const { counted } = judged
  if (counted.length < needed) throw await lacking(session, request, { judged, needed })
  return { [made]: true, recorded: { ...startedBy, approvals: counted.map(({ signed }) => signed) } }
}

/** Another machine signs the plan as a document. */
const approveElsewhere = (planHash: string): string => `quorate approve ${planHash} --plan plan.json --identity DIR`

/** What `quorate approve` takes to make the same plan. */
export interface PlannedBy {
  /** The run that a rollback undoes, or the cluster file. */
  readonly of?: string | undefined
  readonly options?: readonly string[] | undefined
}

/** `quorate approve` with what it takes for this plan. */
export function approveCommand(
  { kind, planHash }: Omit<Approvable, 'cluster'>,
  { of, options = [] }: PlannedBy,
): string {
  const about = kind === 'rollback' ? `--rollback ${of ?? 'RUN'}` : `-f ${of ?? 'cluster.yaml'}`
  const kinds = kind === 'fix' || kind === 'drill' ? [`--${kind}`] : []
  return ['quorate approve', planHash, about, ...kinds, ...options, '--identity DIR'].join(' ')
}

interface Lack {
  readonly judged: Judged
  readonly needed: number
}

async function lacking(session: Session, request: ApprovalRequest, { judged, needed }: Lack): Promise<QuorateError> {
  const { counted, refused, ofOthers } = judged
  const { cluster: where, planHash } = request
  // Planned beside the state folder it would have another hash: only the server requires so many.
  const isOfServer = (await approvalsNeeded({ ...session, leastApprovals: 0 }, request.file)) < needed
  const remedy = isOfServer
    ? `Each approver reviews and signs the plan as this server returned it (plan.json): ${approveElsewhere(planHash)}`
    : `Each approver reviews and signs the current plan: ${approveCommand(request, { of: request.run, options: request.options })}`
  const [other] = ofOthers
  if (counted.length === 0 && refused.length === 0 && other !== undefined)
    return new QuorateError(
      'PLAN_CHANGED',
      `${namesOf(ofOthers)} approved plan ${other.planHash}, but the current plan is ${planHash}: the cluster or the cluster file has changed since`,
      { where, remedy },
    )
  const by = counted.length === 0 ? '' : ` (${namesOf(counted)})`
  const others = refused.length === 0 ? '' : `; not counted: ${refused.join('; ')}`
  return new QuorateError(
    'APPROVALS_MISSING',
    `${counted.length} of ${needed} approvals of plan ${planHash}${by}${others}`,
    { where, remedy },
  )
}

const namesOf = (approvals: readonly Approval[]): string =>
  [...new Set(approvals.map(({ approver }) => approver))].sort().join(', ')

/**
 * That a run may continue: it was approved when it started, as its journal proves. One that was not is held to what a new run needs now.
 * APPROVALS_MISSING where the journal lacks them. `differs`: it would do what was not approved.
 */
export async function requireApprovedBefore(
  session: Session,
  state: RunState,
  { differs }: { differs: boolean },
): Promise<MayStart> {
  const file = clusterFileOf(state)
  const isApproved = state.approvals.length > 0
  const needed = isApproved ? Math.max(1, file.policy.approvals) : await approvalsNeeded(session, file)
  if (needed === 0) return { [made]: true, recorded: {} }
  const remedy = 'Start a new run, whose plan is approved: `quorate plan -f cluster.yaml`.'
  const { startedAt: at, startedHash } = state
  const kind = (one: ApprovalKind) => one !== 'rollback'
  const holding = recordedApprovers(session, state, { kind, at, planHash: startedHash })
  if (holding.size < needed)
    throw new QuorateError(
      'APPROVALS_MISSING',
      `the journal of run ${state.id} has ${holding.size} of the ${needed} approvals that it needs to continue`,
      { where: state.cluster, remedy },
    )
  if (differs)
    throw new QuorateError('APPROVALS_MISSING', `run ${state.id} would now do what was not approved`, {
      where: state.cluster,
      remedy,
    })
  return { [made]: true, recorded: {} }
}

interface RecordedFor {
  readonly kind: (kind: ApprovalKind) => boolean
  /** When it was used; Unix milliseconds. */
  readonly at: number
  readonly planHash?: string
}

/** Keys of the approvers whose approvals in the journal held then. */
function recordedApprovers(
  session: Session,
  state: RunState,
  { kind, at, planHash }: RecordedFor,
): ReadonlySet<string> {
  const holding = state.approvals.flatMap((signed) => {
    try {
      const approval = readApproval(signed, { caPem: approvalsOf(session).caPem, now: at })
      const isOfRun = approval.cluster === state.cluster && kind(approval.kind)
      return isOfRun && (planHash === undefined || approval.planHash === planHash) ? [approval.publicKeyPin] : []
    } catch (error) {
      if (asQuorateError(error).code !== 'APPROVAL_INVALID') throw error
      return []
    }
  })
  return new Set(holding)
}

/** That a rollback may start, or that one which was approved and stopped half way may continue. */
export async function requireRollbackApproved(
  session: Session,
  state: RunState,
  { keepEndpoint, ...request }: ApprovalRequest & { readonly keepEndpoint: boolean },
): Promise<MayStart> {
  const { rollback } = state
  if (rollback?.keepEndpoint === keepEndpoint) {
    const kind = (one: ApprovalKind) => one === 'rollback'
    const before = recordedApprovers(session, state, { kind, at: rollback.startedAt })
    if (before.size > 0 && before.size >= request.file.policy.approvals) return { [made]: true, recorded: {} }
  }
  return requireApprovals(session, request)
}
