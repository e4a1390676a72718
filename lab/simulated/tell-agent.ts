import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What an agent's preload (node-preload.mjs) asks of the simulated world, a file each. */
type Told = 'unreachable' | 'full' | 'services'

/** Beside, then renamed: an agent that reads meanwhile sees the lines of before or of after, never none. */
export function tellAgent(faults: string, node: string, kind: Told, lines: readonly string[]): void {
  const path = join(faults, `${node}.${kind}`)
  writeFileSync(`${path}.new`, lines.join('\n'))
  renameSync(`${path}.new`, path)
}
