import type { Finding } from '../context/finding.js'
import type { Check } from './check.js'

const id = 'etcd-topology'

/** What kubeadm's two topologies ask of a cluster; a conversion changes neither which it is nor how many members an external etcd has. */
export const etcdTopology: Check = {
  id,
  title: 'The etcd topology supports several control planes, and an external etcd survives the loss of a machine',
  async check(run) {
    const topology = await run.etcdTopology()
    const [errors, warnings] = await Promise.all([topology.inconvertible(), topology.notRedundant()])
    return [
      ...errors.map((shortcoming): Finding => ({ id, severity: 'error', ...shortcoming })),
      ...warnings.map((shortcoming): Finding => ({ id, severity: 'warning', ...shortcoming })),
    ]
  },
}
