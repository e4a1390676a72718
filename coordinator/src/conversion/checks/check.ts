import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'

/** One preflight check: one small file, read-only. All run, all report. */
export interface Check {
  /** The same as its file's name and as the findings' id. */
  readonly id: string
  readonly title: string
  check(run: ConversionRun): Promise<readonly Finding[]>
}
