import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { installPaths } from '@quorate/shared/install-job'
import type { ClusterFile, NodeEntry } from '../config/cluster-file.js'
import { newRunId } from '../engine/run-id.js'
import { revokedKeys } from '../runs/context/revoked-keys.js'
import type { Session } from '../runs/context/session.js'
import type { AgentFile } from './agent-files.js'
import { deployNode, type Means, type PlannedNode, rollBackNode } from './deploy-node.js'
import { type NodeChannel, nodeChannel } from './node-channel.js'
import type { NodeLook } from './node-look.js'
import { planNode, presentAgent, requireNotPackaged, requireOwnFleet, short, type Wanted } from './node-plan.js'
import type { Ssh } from './ssh.js'

/** What to do with agents. */
export type Deed = 'deploy' | 'remove' | 'rollback'

/** A node as it was found, and what would be done there. */
export interface FoundNode {
  readonly node: NodeEntry
  readonly channel: NodeChannel
  readonly now: string
  readonly does: 'install' | 'upgrade' | 'finish' | 'remove' | 'rollback' | 'nothing' | 'blocked'
  readonly changes: readonly string[]
  /** Why nothing can be done there. */
  readonly problem?: QuorateError
  readonly planned?: PlannedNode
  /** The fleet no longer knows it afterwards. */
  readonly leaves?: boolean
}

/** What became of a node. */
export interface NodeEnd {
  readonly node: string
  readonly state: 'done' | 'failed'
  /** What travelled to it, before ssh encrypts it; and how long it took. */
  readonly bytes: number
  readonly seconds: number
  readonly problem?: QuorateError
}

export interface LookWish {
  readonly deed: Deed
  readonly ssh: Ssh
  readonly password: string | undefined
  readonly wanted: Wanted
}

/** Nodes at a time. */
const width = 10

/** The machines of a cluster file that get an agent, or those of them that are named; USAGE for a name that it does not have. */
export function machinesOf({ controlPlanes, workers, loadBalancer }: ClusterFile, names: readonly string[]) {
  const all = [...controlPlanes, ...workers, ...loadBalancer.hosts]
  const unknown = names.find((name) => !all.some((node) => node.name === name))
  if (unknown !== undefined)
    throw new QuorateError('USAGE', `the cluster file has no node ${unknown}`, {
      where: '--limit',
      remedy: `It has ${all.map(({ name }) => name).join(', ')}.`,
    })
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
}

/** What nodes are to have, for a fleet; undefined: there is none yet. */
export async function wantedOf(
  session: Session | undefined,
  { agents, replaceFleet }: { readonly agents: readonly AgentFile[]; readonly replaceFleet: boolean },
): Promise<Wanted> {
  const enrolled = (await session?.enrolled()) ?? []
  return {
    ...{ agents, replaceFleet, now: Date.now() },
    roots: (await session?.enrolment?.roots()) ?? '',
    revoked: session === undefined ? new Set() : await revokedKeys(session),
    enrolled: new Set(enrolled.map(({ name }) => name)),
  }
}

/** Looks at each node and plans; nothing is changed. Connections are opened one after the other, since ssh may ask at each. */
export async function lookAtNodes(nodes: readonly NodeEntry[], wish: LookWish): Promise<readonly FoundNode[]> {
  const opened: { node: NodeEntry; channel: NodeChannel; problem?: QuorateError }[] = []
  for (const node of nodes) {
    const channel = nodeChannel(wish.ssh, node, wish.password)
    const problem = await channel.open().then(() => undefined, asQuorateError)
    opened.push({ node, channel, ...(problem === undefined ? {} : { problem }) })
  }
  return atATime(opened, async ({ node, channel, problem }) => {
    if (problem !== undefined) return blocked(node, channel, problem)
    try {
      return found(node, channel, { look: await channel.look(), wish })
    } catch (error) {
      return blocked(node, channel, asQuorateError(error, node.name))
    }
  })
}

const blocked = (node: NodeEntry, channel: NodeChannel, problem: QuorateError): FoundNode => ({
  ...{ node, channel, problem },
  ...{ now: 'unknown', does: 'blocked', changes: [] },
})

function found(
  node: NodeEntry,
  channel: NodeChannel,
  { look, wish }: { readonly look: NodeLook; readonly wish: LookWish },
): FoundNode {
  if (wish.deed === 'remove') return { node, channel, ...removal(look, node, wish.wanted) }
  if (wish.deed === 'rollback') return { node, channel, ...goingBack(look, node, wish.wanted) }
  const plan = planNode(node, look, wish.wanted)
  return { node, channel, planned: { node, channel, look, plan }, ...plan }
}

function goingBack(look: NodeLook, { name }: NodeEntry, wanted: Wanted) {
  requireOwnFleet(name, look.roots, wanted)
  const hasPrevious = look.traces.includes(`${installPaths.home}/previous`)
  if (hasPrevious && look.previous !== look.binary) requireNotPackaged(name, look)
  const before = look.previous === undefined ? 'nothing: the agent is removed' : `agent ${short(look.previous)}`
  return {
    now: presentAgent(look),
    does: hasPrevious ? ('rollback' as const) : ('nothing' as const),
    changes: hasPrevious ? [`put back what the node had before: ${before}`] : [],
    leaves: look.previous === undefined,
  }
}

function removal(look: NodeLook, { name }: NodeEntry, wanted: Wanted) {
  requireOwnFleet(name, look.roots, wanted)
  requireNotPackaged(name, look)
  const { traces } = look
  return {
    now: presentAgent(look),
    leaves: true,
    does: traces.length === 0 ? ('nothing' as const) : ('remove' as const),
    changes: traces.length === 0 ? [] : [`remove ${traces.filter((path) => !path.includes('/previous')).join(', ')}`],
  }
}

export interface DoWish {
  readonly session: Session
  readonly cluster: string
  readonly progress: Means['progress']
  readonly ended: (end: NodeEnd) => void
}

/** Does what was planned, ten nodes at a time, while no run can begin: CLUSTER_HELD. A node that fails stops no other one. */
export async function doOnNodes(nodes: readonly FoundNode[], wish: DoWish): Promise<readonly NodeEnd[]> {
  const { session, cluster } = wish
  const { enrolment, renewals } = session
  if (enrolment === undefined || renewals === undefined)
    throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder issues no identities')
  const lease = await session.leases.acquire(cluster, newRunId(Date.now()))
  const enrolled = await session.enrolled()
  const means: Means = { enrolment, renewals, enrolled, connect: () => session.connect(), progress: wish.progress }
  try {
    return await atATime(nodes, async (found) => {
      const end = await endOf(found, means)
      wish.ended(end)
      return end
    })
  } finally {
    await lease.release()
  }
}

/** Does what was planned for one node, with the numbers of it; never throws. */
async function endOf(found: FoundNode, means: Means): Promise<NodeEnd> {
  const { node, channel } = found
  const [began, sentBefore] = [performance.now(), channel.sent()]
  const problem = await doOn(found, means).then(
    () => undefined,
    (error: unknown) => asQuorateError(error, node.name),
  )
  return {
    ...{ node: node.name, state: problem === undefined ? 'done' : 'failed' },
    ...{ bytes: channel.sent() - sentBefore, seconds: (performance.now() - began) / 1000 },
    ...(problem === undefined ? {} : { problem }),
  }
}

async function doOn({ node, channel, does, planned, leaves = false }: FoundNode, means: Means): Promise<void> {
  if (planned !== undefined) return deployNode(planned, means)
  means.progress(node.name, does === 'remove' ? 'removing the agent' : 'putting back what it had before')
  if (does === 'remove') await channel.remove()
  else await rollBackNode(node, channel)
  if (leaves) await means.enrolment.putBack(node.name, undefined)
}

/** Does something for each, several at a time, in their order. */
async function atATime<One, Result>(
  all: readonly One[],
  work: (one: One) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const waiting = [...all.entries()]
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, one] = next
      const result = await work(one)
      results[index] = result
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, worker))
  return results
}
