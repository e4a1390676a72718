import type { NodeEntry } from '../../config/cluster-file.js'
import type { ConversionRun } from '../context/run.js'

/**
 * Whether a control plane of the file is a whole member of the cluster already: a control plane Node of its name, and in etcd what its
 * topology has of one (stacked: a voter of its name). Only one of the two is a join that did not end, and counts as not joined.
 */
export async function isJoined(run: ConversionRun, node: NodeEntry): Promise<boolean> {
  const { nodes } = await run.clusterFacts()
  if (!nodes.some((object) => object.name === node.name && object.controlPlane)) return false
  return (await run.etcdTopology()).isMember(node)
}

/** The control planes of the file that are still to join; on a half converted cluster fewer than `run.joining`. */
export async function toJoin(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const joined = await Promise.all(run.joining.map((node) => isJoined(run, node)))
  return run.joining.filter((_, index) => !joined[index])
}

/** Those to join that get a member of etcd of their own. */
export async function newMembers(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const homes = (await run.etcdTopology()).homes()
  return (await toJoin(run)).filter((node) => homes.includes(node))
}

/** The nodes of the file that belong to the cluster already: the first, what joined, and the workers. */
export async function existingNodes(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const outside = await toJoin(run)
  return run.nodes.filter((node) => !outside.includes(node))
}

/**
 * The control planes whose kubeconfigs are for the rewriting steps: the first, and what another run than this one joined. What this one joins
 * is pointed where it belongs by its join.
 */
export async function rewritable(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const outside = await toJoin(run)
  return run.controlPlanes.filter(
    (node) => node === run.first || (!outside.includes(node) && run.mayBeBehind(node.name)),
  )
}

/**
 * Machines of the file that nothing makes a control plane: no Node, no static pod. A conversion never joined them, or its rollback took them out
 * again. A machine that does not answer is not among them.
 */
export async function neverJoined(run: ConversionRun): Promise<readonly NodeEntry[]> {
  const { nodes } = await run.clusterFacts()
  const nodeless = run.joining.filter(({ name }) => !nodes.some((object) => object.name === name))
  const runsNothing = await Promise.all(
    nodeless.map((node) =>
      run.nodeFacts(node).then(
        ({ staticPods }) => staticPods.length === 0,
        () => false,
      ),
    ),
  )
  return nodeless.filter((_, index) => runsNothing[index])
}
