import { holds } from '@quorate/shared/version-rules'
import { clusterConfiguration } from './cluster-configuration.js'
import type { ConversionRun } from './run.js'

/** kubeadm's gate for it, while it had one. */
export const learnerGate = 'EtcdLearnerMode'

/** Whether kubeadm lets a new etcd member learn before it votes; without that a second join would begin while the first has not started to vote. */
export async function learnsFirst(run: ConversionRun): Promise<boolean> {
  const { kubernetesVersion } = await run.clusterFacts()
  if (holds('etcd-learner-always', kubernetesVersion)) return true
  const set = (await clusterConfiguration(run))?.featureGates[learnerGate]
  return set ?? holds('etcd-learner-mode', kubernetesVersion)
}
