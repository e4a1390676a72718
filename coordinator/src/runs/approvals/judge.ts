import {
  type Approval,
  type ApprovalKind,
  parseApproval,
  readApproval,
  type SignedApproval,
} from '@quorate/shared/approval'
import { asQuorateError } from '@quorate/shared/errors'
import { sha256Hex } from '@quorate/shared/hash'

/** A plan that is approved, or is to be. */
export interface Approvable {
  readonly cluster: string
  readonly kind: ApprovalKind
  readonly planHash: string
}

export interface JudgeOptions {
  /** Certificate of the fleet's CA. */
  readonly caPem: string
  /** Unix milliseconds. */
  readonly now: number
  /** SHA-256 of public keys that were revoked. */
  readonly denied: ReadonlySet<string>
  /** Approvals that runs have used, by id, with the run. */
  readonly used: ReadonlyMap<string, string>
  /** Names of the person who starts it; empty: not known yet. */
  readonly starter: readonly string[]
}

/** What the approvals of a state folder say of one plan. */
export interface Judged {
  /** One for each approver. */
  readonly counted: readonly Approval[]
  /** Why others of this plan do not count: one sentence each. */
  readonly refused: readonly string[]
  /** Approvals that hold, of another plan for the same kind of run. */
  readonly ofOthers: readonly Approval[]
}

/** Judges every approval by what was signed: nothing that lies beside it is trusted. */
export function judgeApprovals(all: readonly SignedApproval[], plan: Approvable, options: JudgeOptions): Judged {
  const counted: Approval[] = []
  const refused: string[] = []
  const ofOthers: Approval[] = []
  for (const signed of all) {
    const said = claimOf(signed)
    if (said === undefined || said.cluster !== plan.cluster || said.kind !== plan.kind) continue
    const isOfThis = said.planHash === plan.planHash
    const verdict = judge(signed, counted, options)
    if (typeof verdict === 'string') {
      if (isOfThis) refused.push(verdict)
    } else if (isOfThis) counted.push(verdict)
    else ofOthers.push(verdict)
  }
  return { counted, refused, ofOthers }
}

/** The approval, or why it does not count. */
function judge(signed: SignedApproval, counted: readonly Approval[], options: JudgeOptions): Approval | string {
  let approval: Approval
  try {
    approval = readApproval(signed, options)
  } catch (error) {
    return asQuorateError(error).message
  }
  const { approver, id } = approval
  const run = options.used.get(id)
  if (run !== undefined) return `the approval of ${approver} was used by run ${run}`
  if (options.starter.includes(approver)) return `${approver} starts the run and cannot approve it`
  const again = counted.find((one) => isSameApprover(one, approval))
  return again === undefined ? approval : `${approver} has approved this plan already (as ${again.approver})`
}

/** One name with two keys, or one key under two names, is one approver. */
export const isSameApprover = (one: Approval, other: Approval): boolean =>
  one.approver === other.approver || one.publicKeyPin === other.publicKeyPin

/** What it claims, before anything is proved. */
function claimOf({ statement }: SignedApproval): ReturnType<typeof parseApproval> | undefined {
  try {
    return parseApproval(statement)
  } catch {
    return undefined
  }
}

/** Ids of the approvals that runs have used. */
export const usedBy = (
  runs: readonly { readonly id: string; readonly approvals: readonly SignedApproval[] }[],
): ReadonlyMap<string, string> =>
  new Map(runs.flatMap(({ id, approvals }) => approvals.map(({ statement }) => [sha256Hex(statement), id] as const)))
