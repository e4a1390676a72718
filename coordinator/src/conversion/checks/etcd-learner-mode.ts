import { atLeast } from '@quorate/shared/kubernetes-version'
import { clusterConfiguration } from '../cluster-configuration.js'
import { newMembers } from '../membership.js'
import type { Check } from './check.js'

const id = 'etcd-learner-mode'
const gate = 'EtcdLearnerMode'

/** Without it a new member votes before it has started: if it never does, etcd stops at once (etcd#3505). Default from 1.29, always from 1.32. */
export const etcdLearnerMode: Check = {
  id,
  title: 'A new etcd member learns before it votes',
  async check(run) {
    const { kubernetesVersion } = await run.clusterFacts()
    if (kubernetesVersion === '' || atLeast(kubernetesVersion, '1.32') || (await newMembers(run)).length === 0)
      return []
    const set = (await clusterConfiguration(run))?.featureGates[gate]
    if (set ?? atLeast(kubernetesVersion, '1.29')) return []
    return [
      {
        id,
        severity: 'warning',
        message:
          'the second etcd member votes as soon as it is added: if it does not start, etcd has no quorum and only the runbook leads back',
        evidence: `kubeadm ${kubernetesVersion}, featureGates: ${gate}: ${set ?? '(not set)'}`,
        remedy: atLeast(kubernetesVersion, '1.27')
          ? `kubectl -n kube-system edit configmap kubeadm-config, and set ${gate}: true under featureGates`
          : 'Upgrade the cluster to 1.29 or later first: kubeadm upgrade plan',
      },
    ]
  },
}
