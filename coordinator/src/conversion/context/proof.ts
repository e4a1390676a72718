import type { Evidence } from '../../engine/step.js'
import type { Finding } from './finding.js'
import type { Foreseen } from './foreseen.js'
import type { ConversionRun } from './run.js'

/** What one proof of high availability observed and what is missing. */
export interface ProofResult {
  readonly evidence: readonly Evidence[]
  /** Empty when it holds. */
  readonly findings: readonly Finding[]
}

/** One property of a highly available cluster, observed on the live cluster; read-only. `verify` and the step prove-ha run the same list. */
export interface Proof {
  readonly id: string
  readonly title: string
  /** No step of a conversion can make it hold: the plan warns, the run finishes and reports it, `verify` fails. */
  readonly outside?: true
  /** Why it exists, where no failure of the catalogue (failures/) is about it. */
  readonly beside?: string
  /** Its conditions, and the checks that detect in the plan that they will not hold. */
  readonly foreseen: readonly Foreseen[]
  prove(run: ConversionRun, signal: AbortSignal): Promise<ProofResult>
}
