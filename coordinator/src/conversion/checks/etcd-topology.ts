import { clusterConfiguration } from '../cluster-configuration.js'
import type { Check } from './check.js'

const id = 'etcd-topology'

/** Only stacked etcd: the members are the control planes. */
export const etcdTopology: Check = {
  id,
  title: 'etcd runs on the control plane itself (stacked)',
  async check(run) {
    const etcd = (await clusterConfiguration(run))?.etcd
    if (etcd?.kind !== 'external') return []
    return [
      {
        id,
        severity: 'error',
        message: 'the cluster uses an external etcd, which this version does not convert',
        evidence: `kubeadm-config: etcd.external.endpoints: ${etcd.endpoints.join(', ')}`,
        remedy: 'Nothing was changed. Add control planes by the documentation of kubeadm for external etcd.',
      },
    ]
  },
}
