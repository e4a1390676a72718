import type { Approval, ApprovalKind } from '@quorate/shared/approval'
import { day, plural } from '../../report/words.js'
import { approveCommand, type PlannedBy } from '../../runs/approvals/require.js'
import type { Plan } from '../../runs/plan.js'
import type { PersonIdentity } from '../../state/person-identities.js'
import { dateAndTime } from './duration.js'
import { table } from './table.js'

/** One line an approval. */
export function approvalsText(approvals: readonly Approval[]): string {
  if (approvals.length === 0) return 'No approval holds now. `quorate plan` prints the command that approves a plan.\n'
  const rows = approvals.map(({ cluster, kind, planHash, approver, at, until }) => [
    approver,
    cluster,
    kind,
    planHash,
    dateAndTime(at),
    dateAndTime(until),
  ])
  return table(['APPROVER', 'CLUSTER', 'RUN', 'PLAN', 'GIVEN', 'UNTIL'], rows)
}

/** One line an identity, in the order in which they were issued. */
export function identitiesText(identities: readonly PersonIdentity[], now: number): string {
  if (identities.length === 0)
    return 'No identity has been issued yet. `quorate identity issue NAME --role ROLE` makes one.\n'
  const rows = identities.map(({ name, role, fingerprint, issuedAt, expiresAt }) => [
    name,
    role,
    day(issuedAt),
    expiresAt <= now ? `${day(expiresAt)} (expired)` : day(expiresAt),
    fingerprint.slice(0, 16),
  ])
  return table(['NAME', 'ROLE', 'ISSUED', 'EXPIRES', 'CERTIFICATE'], rows)
}

/** What is typed next after the plan of this cluster file. */
export function nextText({ approvals, hash: planHash, blocked, steps }: Plan, file: string): string {
  if (blocked || steps.every(({ actions }) => actions.length === 0)) return ''
  const start = `quorate convert -f ${file} --plan ${planHash}`
  if (approvals === 0) return `Next: ${start}\n`
  const approve = approveCommand({ kind: 'convert', planHash }, { of: file })
  return `It needs the approval of ${plural(approvals, 'approver')}, each: ${approve}\nNext, the operator: ${start}\n`
}

/** How a plan is approved that is shown before its command asks; empty where it needs no approval. */
export const neededText = (
  { approvals, hash: planHash }: { readonly approvals: number; readonly hash: string },
  kind: ApprovalKind,
  by: PlannedBy,
): string =>
  approvals === 0
    ? ''
    : `Plan hash ${planHash}. It needs the approval of ${plural(approvals, 'approver')}, each: ${approveCommand({ kind, planHash }, by)}\n`
