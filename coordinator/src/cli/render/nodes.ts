import type { NodeStatus } from '../../runs/nodes.js'
import { printable, type Style } from './style.js'
import { table } from './table.js'

/** Enrolled nodes as they answer now, and the remedy of each that does not. */
export function nodesText(nodes: readonly NodeStatus[], style: Style): string {
  if (nodes.length === 0)
    return 'No node is enrolled yet. `quorate enroll NODE --address HOST --bundle DIR` enrols one.\n'
  const rows = nodes.map((node) => [
    node.name,
    node.address,
    node.reachable ? 'yes' : 'no',
    node.agentVersion ?? '-',
    node.kubernetesVersion || '-',
    node.clockOffsetMs === undefined ? '-' : String(node.clockOffsetMs),
  ])
  const problems = nodes.flatMap(({ name, problem }) =>
    problem === undefined
      ? []
      : [`\n${style.bad(name)}: ${printable(problem.message)}\n  next: ${printable(problem.remedy)}\n`],
  )
  return table(['NAME', 'ADDRESS', 'REACHABLE', 'AGENT', 'KUBERNETES', 'CLOCK OFFSET MS'], rows) + problems.join('')
}
