import type { Evidence } from '../../engine/step.js'
import type { Finding } from './finding.js'
import type { Foreseen } from './foreseen.js'
import type { ConversionRun } from './run.js'

/** What one proof of high availability saw and what is missing. */
export interface ProofResult {
  readonly evidence: readonly Evidence[]
  /** Empty when it holds. */
  readonly findings: readonly Finding[]
}

/** One property of a highly available cluster, observed on the live cluster; read-only. `verify` and the step prove-ha run the same list. */
export interface Proof {
  readonly id: string
  readonly title: string
  /** No step of a conversion can make it hold: its plan warns of it, the run ends all the same and its report says so, `verify` says no. */
  readonly outside?: true
  /** Why it is made, where no failure of the catalogue (failures/) is about it. */
  readonly beside?: string
  /** What it asks for, and which checks see in the plan that it will not hold. */
  readonly foreseen: readonly Foreseen[]
  prove(run: ConversionRun, signal: AbortSignal): Promise<ProofResult>
}
