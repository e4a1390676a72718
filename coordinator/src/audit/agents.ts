import { type Checkpoint, openCheckpoint } from '@quorate/shared/checkpoint'
import { asQuorateError } from '@quorate/shared/errors'
import { consistencyProof, rootOf } from '@quorate/shared/merkle'
import { type EnrolledNode, entryOf } from '../config/enrolled-node.js'
import type { RunStore } from '../engine/run-store.js'
import type { Agent } from '../fleet/agent.js'
import type { Fleet } from '../fleet/fleet.js'
import type { History } from './history.js'
import { seal } from './seal.js'

/** What one node says of the history. */
export interface Witness {
  readonly node: string
  /** `agrees`: its checkpoint is of this history. `contradicts`: of another one. `none`: it was shown none yet. `silent`: it did not answer. */
  readonly says: 'agrees' | 'contradicts' | 'none' | 'silent'
  /** Entries that its checkpoint commits to. */
  readonly size?: number
  /** Why it is silent or contradicts. */
  readonly why?: string
}

/** A node that is away is not waited for. */
const deadlineMs = 3_000

/** Asks every node what it keeps; changes nothing. */
export async function askAgents(
  history: History,
  nodes: readonly EnrolledNode[],
  fleet: Fleet,
): Promise<readonly Witness[]> {
  const log = await logOf(history)
  return atEach(nodes, fleet, async (agent, node) => judge(node, await keptBy(agent, log), log.leaves))
}

/** Shows every node the newest checkpoint, with the proof that it continues the one kept there. */
export async function showAgents(
  history: History,
  nodes: readonly EnrolledNode[],
  fleet: Fleet,
): Promise<readonly Witness[]> {
  // Before the lines, which only become more: another process may sign meanwhile.
  const checkpoint = await history.note()
  const log = await logOf(history)
  const newest = checkpoint === '' ? undefined : openCheckpoint(checkpoint, log.verifier)
  return atEach(nodes, fleet, async (agent, node) => {
    const kept = await keptBy(agent, log)
    const said = judge(node, kept, log.leaves)
    const fromSize = kept?.size ?? 0
    if (said.says === 'contradicts' || newest === undefined || fromSize >= newest.size) return said
    const proof = consistencyProof(log.leaves.slice(0, newest.size), fromSize).map((hash) => hash.toString('hex'))
    await agent.read('keepCheckpoint', { verifier: log.verifier, checkpoint, proof, fromSize }, { deadlineMs })
    return { node, says: 'agrees', size: newest.size }
  })
}

/** What nodes are compared with. */
interface Log {
  readonly origin: string
  readonly verifier: string
  readonly leaves: readonly Buffer[]
}

const logOf = async (history: History): Promise<Log> => ({
  origin: await history.origin(),
  verifier: await history.verifier(),
  leaves: (await history.read()).leaves,
})

function atEach(
  nodes: readonly EnrolledNode[],
  fleet: Fleet,
  ask: (agent: Agent, node: string) => Promise<Witness>,
): Promise<readonly Witness[]> {
  return Promise.all(
    nodes.map(async (node) => {
      const { name } = node
      try {
        return await ask(fleet.agent(entryOf(node)), name)
      } catch (thrown) {
        const { code, message } = asQuorateError(thrown, name)
        return { node: name, says: code === 'CHECKPOINT_REFUSED' ? 'contradicts' : 'silent', why: message } as const
      }
    }),
  )
}

async function keptBy(agent: Agent, { origin, verifier }: Log): Promise<Checkpoint | undefined> {
  const { checkpoint } = await agent.read('getCheckpoint', { origin }, { deadlineMs })
  return checkpoint === '' ? undefined : openCheckpoint(checkpoint, verifier)
}

function judge(node: string, kept: Checkpoint | undefined, leaves: readonly Buffer[]): Witness {
  if (kept === undefined) return { node, says: 'none' }
  if (kept.size > leaves.length)
    return {
      node,
      says: 'contradicts',
      size: kept.size,
      why: `it was shown ${kept.size} entries, here are ${leaves.length}`,
    }
  if (!rootOf(leaves.slice(0, kept.size)).equals(kept.root))
    return {
      node,
      says: 'contradicts',
      size: kept.size,
      why: `the first ${kept.size} entries are not those that it was shown`,
    }
  return { node, says: 'agrees', size: kept.size }
}

/** The parts of an open state folder that a checkpoint needs. */
export interface Witnessed {
  readonly history?: History
  readonly runs: RunStore
  enrolled(): Promise<readonly EnrolledNode[]>
  connect(): Fleet
}

/** Seals the journals, signs the history and shows the checkpoint to every node; names of the nodes that contradict it. */
export async function sealAndShow({ history, runs, enrolled, connect }: Witnessed): Promise<readonly string[]> {
  if (history === undefined) return []
  // A plan that was not approved leaves nothing on nodes.
  if (!(await seal(history, runs))) return []
  const fleet = connect()
  const witnesses = await showAgents(history, await enrolled(), fleet).finally(() => fleet.close())
  return witnesses.filter(({ says }) => says === 'contradicts').map(({ node }) => node)
}
