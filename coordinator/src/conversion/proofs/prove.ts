import { systemClock } from '@quorate/shared/clock'
import { asQuorateError } from '@quorate/shared/errors'
import { type Evidence, seenAt } from '../../engine/step.js'
import { silentNodes } from '../checks/assess.js'
import type { Finding } from '../context/finding.js'
import type { Proof } from '../context/proof.js'
import type { ConversionRun } from '../context/run.js'

/** One proof and what it saw. */
export interface Proved {
  readonly id: string
  readonly title: string
  readonly holds: boolean
  readonly evidence: readonly Evidence[]
  readonly findings: readonly Finding[]
}

/** The answer of `quorate verify`. */
export interface Verification {
  readonly cluster: string
  readonly highlyAvailable: boolean
  readonly proofs: readonly Proved[]
}

/** Makes every proof at once; all report, and one that cannot be made does not hold. */
export async function prove(run: ConversionRun, proofs: readonly Proof[], signal: AbortSignal): Promise<Verification> {
  const silent = await silentNodes(run)
  const agents: Proved = {
    id: 'agents',
    title: 'Every agent answers',
    holds: silent.every(({ severity }) => severity !== 'error'),
    evidence: [],
    findings: silent,
  }
  const unanswered = new Set(silent.map(({ node }) => node))
  const proved = await Promise.all(proofs.map((proof) => proveOne(run, proof, { signal, unanswered })))
  const all = [agents, ...proved]
  return { cluster: run.file.name, highlyAvailable: all.every(({ holds }) => holds), proofs: all }
}

async function proveOne(
  run: ConversionRun,
  proof: Proof,
  { signal, unanswered }: { signal: AbortSignal; unanswered: ReadonlySet<string | undefined> },
): Promise<Proved> {
  const { id, title } = proof
  try {
    const { evidence, findings } = await proof.prove(run, signal)
    // A node that is silent is reported once; here it only means that this proof does not hold.
    return {
      id,
      title,
      holds: findings.every(({ severity }) => severity !== 'error'),
      evidence: seenAt(systemClock.now(), evidence),
      findings: findings.filter((finding) => !isEcho(finding, unanswered)),
    }
  } catch (thrown) {
    const { code, message, remedy, where } = asQuorateError(thrown)
    const finding: Finding = {
      id,
      severity: 'error',
      ...(where === undefined ? {} : { node: where }),
      message,
      evidence: code,
      remedy,
    }
    return { id, title, holds: false, evidence: [], findings: isEcho(finding, unanswered) ? [] : [finding] }
  }
}

const isEcho = ({ node, evidence }: Finding, unanswered: ReadonlySet<string | undefined>): boolean =>
  node !== undefined && unanswered.has(node) && /^AGENT_/.test(evidence)
