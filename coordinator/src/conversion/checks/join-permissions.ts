import type { Finding } from '../context/finding.js'
import { readMissingJoinRights } from '../facts/read-facts.js'
import type { Check } from './check.js'

const id = 'join-permissions'

/** A cluster whose roles were cleaned up, or restored in part, does not authorize its own tokens to join (kubernetes#103978, kubeadm#2386). */
export const joinPermissions: Check = {
  id,
  title: 'RBAC allows bootstrap tokens to join',
  async check(run) {
    return (await readMissingJoinRights(run)).map(
      (right): Finding => ({
        id,
        severity: 'error',
        message: `${right} is missing: kubeadm join would not be authorized to read what it needs`,
        evidence: `${right}: not found`,
        remedy: `On ${run.first.name}: ${commandFor(right)}`,
      }),
    )
  },
}

/** The phase of kubeadm init that makes it; each can be run again on a running cluster. */
function commandFor(right: string): string {
  const config = 'kubectl -n kube-system get configmap kubeadm-config -o jsonpath={.data.ClusterConfiguration} > c.yaml'
  if (right.endsWith('nodes-kubeadm-config'))
    return `${config} && kubeadm init phase upload-config kubeadm --config c.yaml`
  if (right.endsWith('kubelet-config')) return `${config} && kubeadm init phase upload-config kubelet --config c.yaml`
  return 'kubeadm init phase bootstrap-token'
}
