import { QuorateError } from '@quorate/shared/errors'
import { parseNodeName } from '@quorate/shared/names'
import { z } from 'zod'
import type { EnrolledNode } from '../config/enrolled-node.js'
import { readState } from './fleet-ca.js'
import { alone } from './fleet-lock.js'
import type { StatePaths } from './paths.js'
import { writeDurably } from './write-file.js'

const nodesFile = z.object({
  fleetId: z.string(),
  nodes: z.array(
    z.object({
      name: z.string(),
      agent: z.string(),
      enrolledAt: z.number(),
      certificateBeganAt: z.number().optional(),
      certificateExpiresAt: z.number(),
    }),
  ),
})

async function readNodesFile(paths: StatePaths) {
  const text = await readState(paths.nodes, paths)
  try {
    return nodesFile.parse(JSON.parse(text))
  } catch (cause) {
    throw new QuorateError('USAGE', 'the list of enrolled nodes cannot be read', {
      where: paths.nodes,
      cause,
      remedy: 'Correct or restore this file. Enrolling the nodes again also recreates it.',
    })
  }
}

/** Id of the fleet, twelve hexadecimal digits. */
export const fleetIdOf = async (paths: StatePaths): Promise<string> => (await readNodesFile(paths)).fleetId

/** Every node that was enrolled, by name. */
export async function enrolledNodes(paths: StatePaths): Promise<readonly EnrolledNode[]> {
  const { nodes } = await readNodesFile(paths)
  return nodes.map((node) => ({ ...node, name: parseNodeName(node.name) })).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Records a node; one of the same name is replaced. */
export const recordNode = (paths: StatePaths, node: EnrolledNode): Promise<void> =>
  alone(paths, () => record(paths, node))

async function record(paths: StatePaths, node: EnrolledNode): Promise<void> {
  const { fleetId, nodes } = await readNodesFile(paths)
  const others = nodes.filter(({ name }) => name !== node.name)
  await writeDurably(paths.nodes, `${JSON.stringify({ fleetId, nodes: [...others, node] }, null, 2)}\n`, 0o600)
}

/** Forgets a node. */
export const forgetNode = (paths: StatePaths, name: string): Promise<void> =>
  alone(paths, async () => {
    const { fleetId, nodes } = await readNodesFile(paths)
    const others = nodes.filter((node) => node.name !== name)
    await writeDurably(paths.nodes, `${JSON.stringify({ fleetId, nodes: others }, null, 2)}\n`, 0o600)
  })
