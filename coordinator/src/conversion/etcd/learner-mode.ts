import {
  readClusterConfiguration,
  setControlPlaneEndpoint,
  turnOnFeatureGate,
} from '@quorate/shared/cluster-config-map'
import { formatEndpoint } from '@quorate/shared/names'
import { holds } from '@quorate/shared/version-rules'
import { certSansOf } from '../certificates/hand-added-sans.js'
import type { ConversionRun } from '../context/run.js'
import { clusterConfiguration } from '../facts/cluster-configuration.js'

/** kubeadm's gate for it, while it had one. */
export const learnerGate = 'EtcdLearnerMode'

export interface LearnerMode {
  /** `by-gate`: if this run sets the gate for its joins. */
  readonly learns: 'yes' | 'by-gate' | 'no'
  /** The value in kubeadm-config; undefined: not set. */
  readonly set: boolean | undefined
}

/**
 * Whether kubeadm adds a new etcd member as a learner. Without that, etcd has no quorum from the moment when a second member is added until it
 * has started: on real 1.28.15 nine seconds, in which every request failed.
 */
export async function learnerMode(run: ConversionRun): Promise<LearnerMode> {
  const { kubernetesVersion } = await run.clusterFacts()
  const set = (await clusterConfiguration(run))?.featureGates[learnerGate]
  if (holds('etcd-learner-always', kubernetesVersion)) return { learns: 'yes', set }
  if (set ?? holds('etcd-learner-mode', kubernetesVersion)) return { learns: 'yes', set }
  const may = run.file.policy.etcdLearners === 'auto' && holds('etcd-learner-gate', kubernetesVersion)
  return { learns: may ? 'by-gate' : 'no', set }
}

/** Whether the new members of this run start as learners; if not, a second join would begin before the first member votes. */
export const learnsFirst = async (run: ConversionRun): Promise<boolean> => (await learnerMode(run)).learns !== 'no'

/** kubeadm-config before and after the gate is set for the joins, including what `update-kubeadm-config` writes before. */
export async function gateTexts(run: ConversionRun): Promise<{ readonly before: string; readonly after: string }> {
  const text = (await run.clusterFacts()).kubeadmConfig?.text ?? ''
  const before = setControlPlaneEndpoint(text, formatEndpoint(run.endpoint), await certSansOf(run, text))
  return { before, after: turnOnFeatureGate(before, learnerGate) }
}

/** The gate in a text of kubeadm-config, in words. */
export function gateIn(text: string): string {
  const set = readClusterConfiguration(text).featureGates[learnerGate]
  return `${learnerGate}: ${set ?? '(not set)'}`
}
