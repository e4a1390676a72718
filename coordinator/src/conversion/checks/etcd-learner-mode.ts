import { holds } from '@quorate/shared/version-rules'
import { clusterConfiguration } from '../cluster-configuration.js'
import { learnerGate, learnsFirst } from '../learner-mode.js'
import { newMembers } from '../membership.js'
import type { Check } from './check.js'

const id = 'etcd-learner-mode'

/** Without it a new member votes before it has started: if it never does, etcd stops at once (etcd#3505). */
export const etcdLearnerMode: Check = {
  id,
  title: 'A new etcd member learns before it votes',
  async check(run) {
    const { kubernetesVersion } = await run.clusterFacts()
    if (kubernetesVersion === '' || (await newMembers(run)).length === 0 || (await learnsFirst(run))) return []
    const set = (await clusterConfiguration(run))?.featureGates[learnerGate]
    return [
      {
        id,
        severity: 'warning',
        message:
          'the second etcd member votes as soon as it is added: until it has started etcd answers nobody, and if it never does only the runbook leads back. So the control planes join one after the other',
        evidence: `kubeadm ${kubernetesVersion}, featureGates: ${learnerGate}: ${set ?? '(not set)'}`,
        remedy: holds('etcd-learner-gate', kubernetesVersion)
          ? `kubectl -n kube-system edit configmap kubeadm-config, and set ${learnerGate}: true under featureGates`
          : 'Upgrade the cluster to 1.29 or later first: kubeadm upgrade plan',
      },
    ]
  },
}
