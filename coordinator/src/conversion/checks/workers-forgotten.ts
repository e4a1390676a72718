import type { NodeObject } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import type { Check } from './check.js'

const id = 'workers-forgotten'

/** A worker that the file forgets would go on talking to the first control plane alone, and be lost with it (kubeadm#1955). */
export const workersForgotten: Check = {
  id,
  title: 'The cluster file names exactly the workers of the cluster',
  beside: 'A worker that the file does not name would keep the old address.',
  async check(run) {
    const { nodes } = await run.clusterFacts()
    const inCluster = new Set(nodes.map((node) => node.name))
    const forgotten = forgottenWorkers(run, nodes).map(
      (node): Finding => ({
        id,
        severity: 'error',
        node: node.name,
        message:
          'the cluster file does not name this worker of the cluster: it would keep pointing at the first control plane',
        evidence: `Node ${node.name}, addresses ${node.internalIps.join(', ')}`,
        remedy: `Add to workers in the cluster file: ${lineOf(node)}. If it is gone for good: kubectl delete node ${node.name}`,
      }),
    )
    const unknown = run.workers
      .filter((node) => !inCluster.has(node.name))
      .map(
        (node): Finding => ({
          id,
          severity: 'error',
          node: node.name,
          message: 'the cluster file names this worker, but the cluster does not have it',
          evidence: `Nodes: ${[...inCluster].join(', ')}`,
          remedy: 'Remove it from the cluster file, or join it to the cluster first.',
        }),
      )
    return [...forgotten, ...unknown]
  },
}

/** Workers of the cluster that the file does not name. */
export function forgottenWorkers({ controlPlanes, file }: ConversionRun, nodes: readonly NodeObject[]): NodeObject[] {
  const inFile = new Set<string>([...controlPlanes, ...file.workers].map((node) => node.name))
  return nodes.filter((node) => !node.controlPlane && !inFile.has(node.name))
}

/** What the cluster file would have of it. */
export const lineOf = ({ name, internalIps }: NodeObject): string =>
  `- {name: ${name}, address: ${internalIps[0] ?? 'ADDRESS'}}`
