import { holds } from '@quorate/shared/version-rules'
import { learnerGate, learnerMode } from '../etcd/learner-mode.js'
import { newMembers } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'etcd-learner-mode'

/** Without it a new member votes before it has started: if it never does, etcd stops at once (etcd#3505). */
export const etcdLearnerMode: Check = {
  id,
  title: 'A new etcd member joins as a learner before it votes',
  async check(run) {
    const { kubernetesVersion } = await run.clusterFacts()
    if (kubernetesVersion === '' || (await newMembers(run)).length === 0) return []
    const { learns, set } = await learnerMode(run)
    const evidence = `kubeadm ${kubernetesVersion}, featureGates: ${learnerGate}: ${set ?? '(not set)'}`
    if (learns === 'yes' || (learns === 'by-gate' && set === undefined)) return []
    if (learns === 'by-gate')
      return [
        {
          id,
          severity: 'warning',
          message: `kubeadm-config turns ${learnerGate} off: the conversion sets it to true while control planes join, and to ${set} again afterwards`,
          evidence,
          remedy: `To join with it off, set in the cluster file under policy: etcdLearners: as-configured. The API is then unavailable while the second member starts.`,
        },
      ]
    return [
      {
        id,
        severity: 'warning',
        message:
          'the second etcd member votes as soon as it is added: etcd has no quorum until that member starts, and if it never does, recover with the runbook. The control planes join one after the other',
        evidence,
        remedy: holds('etcd-learner-gate', kubernetesVersion)
          ? 'Delete etcdLearners: as-configured from the cluster file'
          : 'Upgrade the cluster to 1.29 or later first: kubeadm upgrade plan',
      },
    ]
  },
}
