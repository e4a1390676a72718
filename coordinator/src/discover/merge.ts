import { QuorateError } from '@quorate/shared/errors'
import { plural } from '@quorate/shared/plural'
import type { InventorySight } from './inventory.js'
import { type ClusterSight, inComment, type Machine } from './sight.js'

/** The machines of the draft. */
export interface Machines {
  /** The existing ones first, then those that will join. */
  readonly controlPlanes: readonly Machine[]
  readonly workers: readonly Machine[]
  /** Control planes that are asked for. */
  readonly missing: number
  readonly notes: readonly string[]
}

interface Sources {
  readonly cluster: ClusterSight | undefined
  readonly inventory: InventorySight | undefined
  /** Of `--join`. */
  readonly joins: readonly Machine[]
}

const mostControlPlanes = 7

/** Puts together what cluster, inventory and command line say of machines; USAGE where they contradict each other. */
export function mergeMachines({ cluster, inventory, joins }: Sources): Machines {
  const listed = [...(inventory?.controlPlanes ?? []), ...(inventory?.workers ?? [])]
  const there = (cluster?.controlPlanes ?? []).map((one) => withAgent(one, listed))
  const workers = (cluster?.workers ?? []).map((one) => withAgent(one, listed))
  const nodes = [...there, ...workers]
  requireNew(joins, nodes)
  const asked = (inventory?.controlPlanes ?? []).filter((one) => !isIn(one, nodes) && !isIn(one, joins))
  const joining = [...asked, ...joins]
  const total = there.length + joining.length
  requireWork(cluster, there, joining)
  return {
    controlPlanes: [...there, ...joining],
    workers: cluster === undefined ? (inventory?.workers ?? []).filter((one) => !isIn(one, joins)) : workers,
    missing: Math.max(3, total % 2 === 0 ? total + 1 : total) - total,
    notes: cluster === undefined ? [] : leftOut(inventory, { nodes, workers }),
  }
}

/** Node names are host names, with or without their domain, in whatever case the inventory has them. */
const isSame = (a: Machine, b: Machine): boolean => {
  const short = ({ name = '' }: Machine) => name.split('.')[0]
  if (a.address !== undefined && a.address === b.address) return true
  if (a.name === undefined || b.name === undefined) return false
  return a.name === b.name || (!(a.name.includes('.') && b.name.includes('.')) && short(a) === short(b))
}

const isIn = (one: Machine, others: readonly Machine[]): boolean => others.some((other) => isSame(one, other))

/** A Node with where ssh reaches it by the inventory, if that is another address. */
function withAgent(node: Machine, listed: readonly Machine[]): Machine {
  const host = listed.find((one) => isSame(one, node))
  const reached = host?.agent ?? host?.address
  if (host === undefined || reached === undefined || reached === node.address) return node
  return { ...node, agent: reached, from: `${node.from}; agent: ${host.from}` }
}

function requireNew(joins: readonly Machine[], nodes: readonly Machine[]): void {
  for (const [index, join] of joins.entries()) {
    const other = [...nodes, ...joins.slice(0, index)].find(
      (one) => one.name === join.name || one.address === join.address,
    )
    if (other !== undefined)
      throw new QuorateError(
        'USAGE',
        `--join ${join.name}=${join.address}: ${other.name ?? ''} at ${other.address ?? '?'} has it already`,
        {
          remedy: 'Name machines that are not in the cluster yet, each with its own name and address.',
        },
      )
  }
}

function requireWork(cluster: ClusterSight | undefined, there: readonly Machine[], joining: readonly Machine[]): void {
  if (there.length >= 3 && there.length % 2 === 1 && joining.length === 0)
    throw new QuorateError('CLUSTER_NOT_READ', `the cluster has ${there.length} control planes already`, {
      where: cluster?.server ?? '',
      remedy: `There is nothing to convert. To have ${there.length + 2}, name two more machines: --join NAME=ADDRESS.`,
    })
  if (there.length + joining.length > mostControlPlanes)
    throw new QuorateError(
      'USAGE',
      `${there.length + joining.length} control planes: etcd supports at most seven members`,
      {
        remedy: 'Name fewer machines with --join, or another group with --group control-plane=GROUP.',
      },
    )
}

/** Hosts of the inventory that the draft cannot have as what the inventory says. */
function leftOut(
  inventory: InventorySight | undefined,
  { nodes, workers }: { readonly nodes: readonly Machine[]; readonly workers: readonly Machine[] },
): readonly string[] {
  const absent = (inventory?.workers ?? []).filter((one) => !isIn(one, nodes))
  const otherwise = (inventory?.controlPlanes ?? []).filter((one) => isIn(one, workers))
  const names = (machines: readonly Machine[]) =>
    machines
      .slice(0, 10)
      .map(({ name, address }) => name ?? inComment(address ?? '?'))
      .join(', ')
  return [
    ...(absent.length === 0
      ? []
      : [
          `${plural(absent.length, 'worker')} of the inventory ${absent.length === 1 ? 'is' : 'are'} not in the cluster, so not here: ${names(absent)}.`,
        ]),
    ...(otherwise.length === 0
      ? []
      : [
          `A worker cannot become a control plane while it is in the cluster: ${names(otherwise)}. Drain and reset it first, or name another machine.`,
        ]),
  ]
}
