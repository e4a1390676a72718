/** Enough for a whole join; more is a runaway. */
const mostLinesKept = 2000

/** The progress lines of an operation: a late caller gets them from the beginning. */
export class ProgressLines {
  private readonly lines: string[] = []
  private readonly listeners = new Set<(line: string) => void>()

  /** A repeated line is not added. */
  push(line: string): void {
    if (line === this.lines.at(-1)) return
    if (this.lines.push(line) > mostLinesKept) this.lines.shift()
    for (const listener of this.listeners) listener(line)
  }

  readonly follow = (listener: (line: string) => void): (() => void) => {
    for (const line of this.lines) listener(line)
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
