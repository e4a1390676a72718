import { z } from 'zod'
import { document } from './document.js'
import { list, object, role, text, time } from './words.js'

/** An approval as it is listed, served and reported. */
export const approval = object({
  id: text.describe('SHA-256 of the signed statement, hexadecimal.'),
  cluster: text,
  kind: z.enum(['convert', 'fix', 'drill', 'rollback']),
  planHash: text,
  approver: text.describe("Name in the approver's certificate."),
  at: time,
  until: time,
})

export const approvals = document(
  'approvals',
  'Approvals that hold now and that no run has used: `quorate approvals list`, `quorate approve`.',
  { approvals: list(approval) },
)

const identity = object({
  name: text,
  role,
  fingerprint: text.describe('SHA-256 of the certificate.'),
  issuedAt: time,
  expiresAt: time,
})

export const identities = document('identities', 'Identities of persons: `quorate identity list`.', {
  identities: list(identity),
})

export const identityIssued = document('identity-issued', 'A new identity: `quorate identity issue`.', {
  identity,
  files: list(text),
})
