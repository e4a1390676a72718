import { refuses } from '../assertions.js'
import type { Scenario } from '../scenario.js'

export const etcdStranger: Scenario = {
  id: 'etcd-stranger',
  title: 'a member that never started, or that nobody knows, in the list of etcd',
  group: 'etcd',
  outcome: 'refused',
  note: 'A join would fail after it had begun (kubeadm#1846); the finding has the command that removes the member.',
  simulated: {
    versions: ['v1.37.2'],
    try: (t, kubernetesVersion) =>
      refuses(t, 'etcd-health', {
        site: { kubernetesVersion },
        prepare: (cluster) => cluster.control.ask('addEtcdMember', { peerUrl: 'https://192.0.2.9:2380' }),
      }),
  },
}
