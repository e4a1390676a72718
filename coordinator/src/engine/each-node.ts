export interface EachNodeOptions {
  /** How many at a time, after the canaries. */
  readonly width: number
  /** How many run alone, one after the other, before the rest. */
  readonly canary: number
  /** Starts no further one when more than this many failed. */
  readonly maxFailed: number
  /** Called before each start; false: no further one starts. */
  mayStart(): boolean
}

export interface EachNodeResult {
  /** In the order in which they failed. */
  readonly failures: readonly unknown[]
  /** How many were never started. */
  readonly left: number
}

/** Walks items `width` at a time. After too many failures it starts no new one, waits for the running ones, and reports every failure. */
export async function eachNode<T>(
  items: readonly T[],
  options: EachNodeOptions,
  one: (item: T) => Promise<void>,
): Promise<EachNodeResult> {
  const failures: unknown[] = []
  let next = 0
  // A failed canary stops the step, whatever maxFailed allows.
  const goesOn = (limit: number) => next < items.length && failures.length <= limit && options.mayStart()
  const walk = async (end: number, limit: number) => {
    while (next < end && goesOn(limit)) {
      const item = items[next++] as T
      await one(item).catch((error: unknown) => failures.push(error))
    }
  }
  await walk(Math.min(options.canary, items.length), 0)
  if (failures.length === 0) {
    const width = Math.max(1, Math.min(options.width, items.length))
    await Promise.all(Array.from({ length: width }, () => walk(items.length, options.maxFailed)))
  }
  return { failures, left: items.length - next }
}
