import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'
import type { NodeEntry } from '../config/cluster-file.js'
import type { RunState } from '../engine/fold.js'
import { operationIdOf } from '../engine/operation-id.js'
import { newRunId } from '../engine/run-id.js'
import type { Agent, ChangeCall } from '../fleet/agent.js'
import { clusterFileOf } from './context/cluster-file-of.js'
import { listRuns, readRun } from './context/read-runs.js'
import type { Session } from './context/session.js'

/** A run whose backups on the nodes can go. */
export interface PrunableRun {
  readonly run: RunId
  readonly cluster: string
  /** Why nothing is lost, or what is. */
  readonly why: string
  /** That may still have a backup. */
  readonly nodes: readonly NodeEntry[]
  readonly fencingToken: number
}

/** What became of one node's backups. */
export interface PrunedNode {
  readonly node: string
  readonly runs: readonly string[]
  /** As the node said it. */
  readonly said: string
  readonly done: boolean
}

/**
 * Runs whose backups on the nodes are of no use any more: those that were rolled back, and of those that ended well the ones that are named, which cannot
 * be rolled back afterwards. USAGE for a named run that is not over.
 */
export async function planPrune(session: Session, named: readonly RunId[]): Promise<readonly PrunableRun[]> {
  const states =
    named.length === 0
      ? (await listRuns(session)).filter(({ outcome }) => outcome === 'rolled-back')
      : await Promise.all(named.map((id) => readRun(session, id)))
  const plans = await Promise.all(states.map((state) => prunable(session, state)))
  return plans.filter(({ nodes }) => nodes.length > 0)
}

async function prunable(session: Session, state: RunState): Promise<PrunableRun> {
  const { id, cluster, outcome, missing, fencingToken } = state
  if (outcome !== 'rolled-back' && (outcome !== 'done' || missing.length > 0))
    throw new QuorateError(
      'USAGE',
      `run ${id} may still need its backups: it is ${missing.length > 0 ? 'waiting for missing nodes' : outcome}`,
      {
        remedy: `Finish it with \`quorate resume ${id}\`, or undo it with \`quorate rollback ${id}\`, then prune again.`,
      },
    )
  const { controlPlanes, workers, loadBalancer } = clusterFileOf(state)
  const gone = new Set(await session.backups.deletedOn(id))
  const nodes = [...controlPlanes, ...workers, ...loadBalancer.hosts].filter(({ name }) => !gone.has(name))
  const why = outcome === 'done' ? 'it cannot be rolled back afterwards' : 'it was rolled back'
  return { run: id as RunId, cluster, why, nodes, fencingToken }
}

/** Deletes those backups, one cluster after the other, each while no run holds it: CLUSTER_HELD. A node that does not answer keeps its own. */
export async function prune(session: Session, plan: readonly PrunableRun[]): Promise<readonly PrunedNode[]> {
  const clusters = [...new Set(plan.map(({ cluster }) => cluster))]
  const pruned: PrunedNode[] = []
  for (const cluster of clusters)
    pruned.push(...(await pruneCluster(session, { cluster, runs: plan.filter((one) => one.cluster === cluster) })))
  return pruned
}

interface OneCluster {
  readonly cluster: string
  readonly runs: readonly PrunableRun[]
}

async function pruneCluster(session: Session, { cluster, runs }: OneCluster): Promise<readonly PrunedNode[]> {
  const id = newRunId((session.clock ?? Date).now())
  const lease = await session.leases.acquire(cluster, id, Math.max(...runs.map(({ fencingToken }) => fencingToken)))
  const fleet = session.connect()
  try {
    const before = new Map(
      await Promise.all(runs.map(async ({ run }) => [run, (await session.backups.deletedOn(run)) ?? []] as const)),
    )
    // From here on no rollback begins that would miss its files half way.
    for (const [run, nodes] of before) await session.backups.noteDeleted(run, nodes)
    const call = (node: string): ChangeCall => callOf({ id, cluster, fencingToken: lease.fencingToken, node })
    const nodes = new Map(runs.flatMap((one) => one.nodes.map((node) => [node.name, node] as const)))
    const pruned = await Promise.all(
      [...nodes.values()].map((node) => pruneNode(fleet.agent(node), runs, call(node.name))),
    )
    for (const [run, earlier] of before) await session.backups.noteDeleted(run, [...earlier, ...doneOf(pruned, run)])
    return pruned
  } finally {
    fleet.close()
    await lease.release()
  }
}

const doneOf = (pruned: readonly PrunedNode[], run: string): readonly string[] =>
  pruned.filter(({ done, runs }) => done && runs.includes(run)).map(({ node }) => node)

async function pruneNode(agent: Agent, plan: readonly PrunableRun[], call: ChangeCall): Promise<PrunedNode> {
  const runIds = plan.filter(({ nodes }) => nodes.some(({ name }) => name === agent.node)).map(({ run }) => run)
  const known = { node: agent.node, runs: runIds }
  try {
    const { summary } = await agent.change('deleteBackups', { runIds }, call)
    return { ...known, said: summary, done: true }
  } catch (error) {
    return { ...known, said: asQuorateError(error, agent.node).message, done: false }
  }
}

interface Deletion {
  readonly id: RunId
  readonly cluster: string
  readonly fencingToken: number
  readonly node: string
}

/** Outside of any journal: what it removes is not there when it is asked for again. */
function callOf({ id, cluster, fencingToken, node }: Deletion): ChangeCall {
  const key = { run: id, step: 'prune', action: 'prune', node, label: 'deleteBackups', attempt: 1 }
  return {
    operation: (_sending, send) => send({ operationId: operationIdOf(key), runId: id, cluster, fencingToken }),
    progress: () => {},
    signal: new AbortController().signal,
  }
}

/** RUN_OVER for a run whose backups were deleted from its nodes, or began to be. */
export async function requireBackups(session: Session, id: string): Promise<void> {
  if ((await session.backups.deletedOn(id)) === undefined) return
  throw new QuorateError('RUN_OVER', `run ${id} cannot be rolled back: its backups were deleted from the nodes`, {
    remedy: `\`quorate backup restore ${id} NODE files --to DIR\` still opens the encrypted copies; \`quorate report ${id}\` says how to undo it by hand.`,
  })
}

/** Since when no live run can have written a log. */
export async function logsOverSince(session: Session, now: number): Promise<number> {
  const starts = (await listRuns(session))
    .filter(({ outcome }) => outcome === 'running')
    .map(({ startedAt }) => startedAt)
  return Math.min(now, ...starts) - logMarginMs
}

/** A log is made before its run begins. */
const logMarginMs = 60 * 60_000
