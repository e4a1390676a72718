import { asQuorateError } from '@quorate/shared/errors'
import type { Evidence } from '../engine/step.js'
import type { Finding } from './checks/check.js'
import type { Proof } from './proofs/proof.js'
import type { ConversionRun } from './run.js'

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
  const proved = await Promise.all(proofs.map((proof) => proveOne(run, proof, signal)))
  return { cluster: run.file.name, highlyAvailable: proved.every(({ holds }) => holds), proofs: proved }
}

async function proveOne(run: ConversionRun, proof: Proof, signal: AbortSignal): Promise<Proved> {
  try {
    const { evidence, findings } = await proof.prove(run, signal)
    const holds = findings.every(({ severity }) => severity !== 'error')
    return { id: proof.id, title: proof.title, holds, evidence, findings }
  } catch (thrown) {
    const { code, message, remedy, where } = asQuorateError(thrown)
    const finding: Finding = {
      id: proof.id,
      severity: 'error',
      ...(where === undefined ? {} : { node: where }),
      message,
      evidence: code,
      remedy,
    }
    return { id: proof.id, title: proof.title, holds: false, evidence: [], findings: [finding] }
  }
}
