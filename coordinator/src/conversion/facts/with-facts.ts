import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'

/** Each of the nodes with its facts, all asked at once. */
export function withFacts(
  run: ConversionRun,
  nodes: readonly NodeEntry[],
): Promise<readonly { readonly node: NodeEntry; readonly name: string; readonly facts: NodeFacts }[]> {
  return Promise.all(nodes.map(async (node) => ({ node, name: node.name, facts: await run.nodeFacts(node) })))
}
