import type { ConversionRun } from '../context/run.js'

export type Severity = 'error' | 'warning' | 'info'

/** What a check or proof found. Errors stop a run before anything is changed. */
export interface Finding {
  /** Kebab-case, stable: docs, ignoreFindings and REST use it. Many findings may share an id (one a node). */
  readonly id: string
  readonly severity: Severity
  /** Node it was seen on; undefined for the cluster. */
  readonly node?: string
  /** What is wrong, one sentence. */
  readonly message: string
  /** What was seen, literally. */
  readonly evidence: string
  /** What to do, with the command to type where there is one. */
  readonly remedy: string
}

/** One preflight check: one small file, read-only. All run, all report. */
export interface Check {
  /** The same as its file's name and as the findings' id. */
  readonly id: string
  readonly title: string
  check(run: ConversionRun): Promise<readonly Finding[]>
}
