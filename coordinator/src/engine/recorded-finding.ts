/** What a check found before the run, with the operator's reason where it was ignored. */
export interface RecordedFinding {
  readonly id: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly node?: string
  readonly message: string
  readonly evidence: string
  readonly remedy: string
  readonly ignoredBecause?: string
}
