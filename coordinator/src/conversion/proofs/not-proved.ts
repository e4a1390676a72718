import type { Evidence } from '../../engine/step.js'
import type { Finding } from '../context/finding.js'
import type { ProofResult } from '../context/proof.js'

/** What is missing for a proof to hold; it holds all the same where the severity is said to be less than `error`. */
export const notProved = (id: string, missing: Omit<Finding, 'id' | 'severity'> & Partial<Finding>): Finding => ({
  severity: 'error',
  ...missing,
  id,
})

/** One observation: what was seen, or what is missing. */
export type Seen = Evidence | Finding

const isFinding = (seen: Seen): seen is Finding => 'severity' in seen

export function resultOf(seen: readonly Seen[]): ProofResult {
  return { evidence: seen.filter((one) => !isFinding(one)) as Evidence[], findings: seen.filter(isFinding) }
}
