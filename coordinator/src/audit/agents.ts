import { type Checkpoint, openCheckpoint } from '@quorate/shared/checkpoint'
import { asQuorateError } from '@quorate/shared/errors'
import { consistencyProof, rootOf } from '@quorate/shared/merkle'
import type { EnrolledNode } from '../config/enrolled-node.js'
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

/** Nobody waits for a node that is away. */
const deadlineMs = 3_000

/** Asks every node what it keeps; changes nothing. */
export function askAgents(history: History, nodes: readonly EnrolledNode[], fleet: Fleet): Promise<readonly Witness[]> {
  return atEach(nodes, fleet, async (agent, node) => {
    const { leaves } = await history.read()
    return judge(node, await keptBy(agent, history), leaves)
  })
}

/** Shows every node the newest checkpoint, with the proof that it continues the one kept there. */
export function showAgents(
  history: History,
  nodes: readonly EnrolledNode[],
  fleet: Fleet,
): Promise<readonly Witness[]> {
  return atEach(nodes, fleet, async (agent, node) => {
    const kept = await keptBy(agent, history)
    const { leaves: all } = await history.read()
    const said = judge(node, kept, all)
    const newest = await history.newest()
    if (said.says === 'contradicts' || newest === undefined || (kept?.size ?? 0) >= newest.size) return said
    const leaves = all.slice(0, newest.size)
    const fromSize = kept?.size ?? 0
    const request = {
      verifier: await history.verifier(),
      checkpoint: await history.note(),
      proof: consistencyProof(leaves, fromSize).map((hash) => hash.toString('hex')),
      fromSize,
    }
    await agent.read('keepCheckpoint', request, { deadlineMs })
    return { node, says: 'agrees', size: newest.size }
  })
}

function atEach(
  nodes: readonly EnrolledNode[],
  fleet: Fleet,
  ask: (agent: Agent, node: string) => Promise<Witness>,
): Promise<readonly Witness[]> {
  return Promise.all(
    nodes.map(async ({ name, agent }) => {
      try {
        return await ask(fleet.agent({ name, address: agent, agent }), name)
      } catch (thrown) {
        const { code, message } = asQuorateError(thrown, name)
        return { node: name, says: code === 'CHECKPOINT_REFUSED' ? 'contradicts' : 'silent', why: message } as const
      }
    }),
  )
}

async function keptBy(agent: Agent, history: History): Promise<Checkpoint | undefined> {
  const { checkpoint } = await agent.read('getCheckpoint', { origin: await history.origin() }, { deadlineMs })
  return checkpoint === '' ? undefined : openCheckpoint(checkpoint, await history.verifier())
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
