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
