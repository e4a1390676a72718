import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Starter } from '@quorate/coordinator/runs/approvals/require'
import type { Session } from '@quorate/coordinator/runs/context/session'
import { approvalStore } from '@quorate/coordinator/state/approvals'
import { personCertificate } from '@quorate/coordinator/state/identities'
import { type ApprovalStatement, type SignedApproval, signApproval } from '@quorate/shared/approval'
import { createFleetCa, issueCertificate, type KeyPair } from '@quorate/shared/issue-certificate'
import { readCertificate } from '@quorate/shared/pki'
import type { Role } from '@quorate/shared/roles'
import type { Test } from 'tap'

/** A fleet with persons who sign. */
export interface Approvers {
  readonly ca: KeyPair
  readonly approvals: NonNullable<Session['approvals']>
  /** An identity of this fleet; `days` below zero: one that has expired. */
  person(name: string, role?: Role, days?: number): KeyPair
  /** What that person signs; `changed` is signed instead. */
  sign(plan: Plan, person: KeyPair, changed?: Partial<ApprovalStatement>): SignedApproval
}

type Plan = Pick<ApprovalStatement, 'cluster' | 'kind' | 'planHash'>

/** A fleet CA and a store of approvals in a folder of the test. */
export function approversOf(t: Test): Approvers {
  const ca = createFleetCa(randomBytes(6).toString('hex'))
  return {
    ca,
    approvals: { store: approvalStore(join(t.testdir(), 'approvals')), caPem: ca.certPem },
    person: (name, role = 'approver', days = 90) => issueCertificate(personCertificate(ca, { name, role, days })),
    sign(plan, person, changed = {}) {
      const [at, approver] = [Date.now(), readCertificate(person.certPem).commonName]
      const fleet = readCertificate(ca.certPem).publicKeyPin
      const { cluster, kind, planHash } = plan
      const statement = { fleet, cluster, kind, planHash, approver, at, until: at + 3_600_000, ...changed }
      return signApproval(statement, person)
    },
  }
}

/** The operator who starts runs in tests, and is no approver. */
export const operator: Starter = { who: 'olga (uid 1000)', names: ['olga'] }
