/** One thing that a gate or a proof asks for, and which checks see before the run that it will not hold. */
export interface Foreseen {
  readonly asks: string
  /** Checks that find in the plan what no step could bring about. */
  readonly checks: readonly string[]
  /** Of these checks: what they find stays as it is. Where the operator accepts it, the run reports it and does not wait for it. */
  readonly stays?: readonly string[]
  /** Why the step itself brings it about, where there is no check. */
  readonly why?: string
}

/** What a step brings about itself: no check is needed. */
export const byItself = (asks: string, why: string): Foreseen => ({ asks, checks: [], why })
