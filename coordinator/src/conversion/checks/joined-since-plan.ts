import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import { readClusterFacts } from '../facts/read-facts.js'
import { forgottenWorkers, lineOf, workersForgotten } from './workers-forgotten.js'

/**
 * Workers that joined since the plan and that the file does not name. `kubeadm join` writes the server that cluster-info named at that moment: a
 * worker that joined before cluster-info changed uses the first control plane forever (kubeadm#1955); one that joined later is right.
 */
export async function joinedSincePlan(run: ConversionRun): Promise<readonly Finding[]> {
  if (run.file.policy.ignoreFindings[workersForgotten.id] !== undefined) return []
  const { nodes } = await readClusterFacts(run)
  return forgottenWorkers(run, nodes).map((node) => ({
    id: workersForgotten.id,
    severity: 'error',
    node: node.name,
    message:
      'joined during the run, and the cluster file does not name it: its kubelet may use the first control plane only',
    evidence: `Node ${node.name}, addresses ${node.internalIps.join(', ')}`,
    remedy: `Add to workers in the cluster file: ${lineOf(node)}. Then quorate enroll ${node.name}, and quorate convert again: it skips the steps that need no change.`,
  }))
}
