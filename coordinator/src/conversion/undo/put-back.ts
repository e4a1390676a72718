import type { DoneAction } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'

/**
 * Restores every file and object that an action touched, the last one first, each on its own node, if it is still as this run left it.
 * What an operation found unchanged is left alone.
 */
export async function putBack(run: ConversionRun, done: DoneAction, call: ChangeCall): Promise<void> {
  const touched = done.results.flatMap(({ node, result }) => result.touched.map((object) => ({ node, object })))
  for (const [index, { node, object }] of touched.reverse().entries()) {
    const request = { name: object.name, expectedSha256: object.sha256After }
    await run.agent(node).change('restoreBackup', request, call, `undo-${index + 1}`)
  }
}
