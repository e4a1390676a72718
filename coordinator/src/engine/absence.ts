import { neverAborted } from './signals.js'

/** A node that does not answer and that a run can do without for now. */
export interface MissingNode {
  readonly node: string
  /** Why, in words. */
  readonly message: string
}

/** Which nodes are missing while an order is walked. The engine reads it; the order's own package decides which nodes may be missing. */
export interface Absence {
  /** In the order in which they were noticed. */
  missing(): readonly MissingNode[]
  /** Aborted when one more is noticed: a gate that waits for that node is then evaluated again without it. */
  changed(): AbortSignal
}

/** Every node is required. */
export const nobodyMissing: Absence = {
  missing: () => [],
  changed: () => neverAborted(),
}

export const isMissing = (absence: Absence, node: string): boolean =>
  absence.missing().some((missing) => missing.node === node)

/** Runs work that queries nodes, again each time when one more of them turns out to be missing. */
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
