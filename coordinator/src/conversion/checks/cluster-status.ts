import type { Check } from './check.js'

const id = 'cluster-status'

/** kubeadm up to 1.21 kept the API endpoints there and preferred it to the cluster state; a stale entry failed the join (kubeadm#1570, kubernetes#78293). */
export const clusterStatus: Check = {
  id,
  title: 'kubeadm-config holds no ClusterStatus of an old kubeadm',
  async check(run) {
    const status = (await run.clusterFacts()).clusterStatus
    if (status?.present !== true) return []
    const endpoints = status.text.split('\n').filter((line) => line.includes('advertiseAddress'))
    return [
      {
        id,
        severity: 'warning',
        message:
          'kubeadm-config still holds a ClusterStatus: kubeadm 1.22 and later do not read it, and nothing updates it',
        evidence: `ClusterStatus: ${endpoints.map((line) => line.trim()).join(', ') || '(no endpoint)'}`,
        remedy: `kubectl -n kube-system patch configmap kubeadm-config --type=json -p '[{"op":"remove","path":"/data/ClusterStatus"}]'`,
      },
    ]
  },
}
