/** One condition of a gate or a proof, and the checks that detect before the run that it will not hold. */
export interface Foreseen {
  readonly asks: string
  /** Checks that detect in the plan that no step could make it hold. */
  readonly checks: readonly string[]
  /** Of these checks: no step changes what they find. Where the operator accepts it, the run reports it and does not wait for it. */
  readonly stays?: readonly string[]
  /** How the step itself makes it hold, where there is no check. */
  readonly why?: string
}

/** A condition that a step itself makes hold: no check is needed. */
export const byItself = (asks: string, why: string): Foreseen => ({ asks, checks: [], why })
