import { neverAborted } from './signals.js'

/** A node that does not answer and that a run can do without for now. */
export interface MissingNode {
  readonly node: string
  /** Why, in words. */
  readonly message: string
}

/** Who is missing while an order is walked. The engine asks; who may be missed the order's own house knows. */
export interface Absence {
  /** In the order in which it was noticed. */
  missing(): readonly MissingNode[]
  /** Aborted when one more is noticed: a gate that waits for that node is then looked at again without it. */
  changed(): AbortSignal
}

/** Everybody is needed. */
export const nobodyMissing: Absence = {
  missing: () => [],
  changed: () => neverAborted(),
}

export const isMissing = (absence: Absence, node: string): boolean =>
  absence.missing().some((missing) => missing.node === node)

/** Does something that asks nodes, again as often as one more of them turned out to be missing meanwhile. */
export async function withoutMissing<T>(absence: Absence, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  for (;;) {
    const before = absence.missing().length
    try {
      return await work(absence.changed())
    } catch (error) {
      if (absence.missing().length === before) throw error
    }
  }
}
