import type { DoneAction } from '../../engine/step.js'
import type { ChangeCall } from '../../fleet/agent.js'
import type { ConversionRun } from '../context/run.js'

/**
 * Puts back every file and object that an action touched, the last one first, each on its own node: only where it is still what
 * this run left behind. What was not touched in the end (an operation that found all as it should be) is left alone.
 */
export async function putBack(run: ConversionRun, done: DoneAction, call: ChangeCall): Promise<void> {
  const touched = done.results.flatMap(({ node, result }) => result.touched.map((object) => ({ node, object })))
  for (const [index, { node, object }] of touched.reverse().entries()) {
    const request = { name: object.name, expectedSha256: object.sha256After }
    await run.agent(node).change('restoreBackup', request, call, `undo-${index + 1}`)
  }
}
