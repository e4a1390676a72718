import { failuresOf } from './catalogue.js'
import { explainLine } from './explanations.js'

/** A message that was recognised, once for all its lines. */
export interface Recognised {
  readonly explanation: string
  /** Numbers of the catalogue. */
  readonly failures: readonly string[]
  readonly cause: string
  readonly remedy: string
  readonly count: number
  /** As it was read; where it came first. */
  readonly line: string
  readonly lineNumber: number
}

/** Reads a log line by line and keeps no more of it than one line for each message that it knows. */
export async function recognise(
  lines: AsyncIterable<string>,
): Promise<{ readonly lines: number; readonly recognised: readonly Recognised[] }> {
  const seen = new Map<string, Recognised>()
  let lineNumber = 0
  for await (const line of lines) {
    lineNumber += 1
    const explanation = explainLine(line)
    if (explanation === undefined) continue
    const { id, cause, remedy } = explanation
    const before = seen.get(id)
    const first = before ?? { explanation: id, failures: failuresOf(id), cause, remedy, count: 0, line, lineNumber }
    seen.set(id, { ...first, count: first.count + 1 })
  }
  return { lines: lineNumber, recognised: [...seen.values()] }
}
