import type { ConversionRun } from './run.js'

const notes = new WeakMap<ConversionRun, Map<string, unknown>>()

/**
 * A note from an action's apply to the gate of the same action in the same process, such as the id of a container before it was
 * restarted. Never needed to go on after a crash: then the facts decide.
 */
export function remember<T>(run: ConversionRun, key: string, value: T): void {
  const known = notes.get(run) ?? new Map<string, unknown>()
  notes.set(run, known.set(key, value))
}

export const recall = <T>(run: ConversionRun, key: string): T | undefined => notes.get(run)?.get(key) as T | undefined
