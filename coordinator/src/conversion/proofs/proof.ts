import type { Evidence } from '../../engine/step.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'

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
  prove(run: ConversionRun, signal: AbortSignal): Promise<ProofResult>
}
