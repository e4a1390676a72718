import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'

/** One preflight check: one small file, read-only. All run, all report. */
export interface Check {
  /** The same as its file's name and as the findings' id. */
  readonly id: string
  readonly title: string
  /** Why it is made, where no failure of the catalogue (failures/) is about it. */
  readonly beside?: string
  check(run: ConversionRun): Promise<readonly Finding[]>
}
