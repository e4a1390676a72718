import type { Failure } from './failure.js'

/** etcd's members, and clocks. */
export const ofEtcd: readonly Failure[] = [
  {
    number: 'F23',
    title: 'A member that was added before never started',
    threads: 'kubeadm#1846, kubeadm#2036, cluster-api#8250',
    checks: ['etcd-health'],
    recognised: ['member-not-started'],
  },
  {
    number: 'F24',
    title: 'From one voter to two: the new one dies and the quorum is lost',
    threads: 'etcd#3505, etcd#7820, etcd#3329, etcd#6103, kubeadm#2188',
    checks: ['etcd-learner-mode', 'etcd-learner-fixes', 'planned-outage', 'reachability'],
    recognised: ['quorum-lost', 'etcd-unhealthy-cluster', 'etcd-peer-not-reached'],
  },
  {
    number: 'F25',
    title: 'The learner is not in sync and kubeadm gives up',
    threads: 'kubeadm#2997, kubeadm#3287, kubernetes#122826, kubernetes#115492, kubernetes#136014',
    checks: ['etcd-learner-fixes', 'etcd-size', 'disk-latency', 'reachability'],
    recognised: ['learner-behind', 'disk-slow', 'etcd-learner-asked', 'learner-not-started'],
  },
  {
    number: 'F26',
    title: 'kubeadm promotes a member that is a voter already',
    threads: 'kubeadm#3152, kubeadm#3317, kubernetes#130782, kubernetes#139842',
    recognised: ['promoted-already'],
  },
  {
    number: 'F27',
    title: 'The member list says voter, the member reports that it is a learner',
    threads: 'etcd#18347',
    checks: ['etcd-health', 'etcd'],
  },
  {
    number: 'F28',
    title: 'Two joins at once, and etcd takes one learner',
    threads: 'k8s-snap#2813, k3s#7510',
    recognised: ['learners-too-many', 'peer-of-a-refused-learner'],
  },
  {
    number: 'F29',
    title: 'A dead member was left by a failed join or a removed node',
    threads: 'kubernetes#81071, kubernetes#79324, kubeadm#1432, kubeadm#1211, kubeadm#1632, wksctl#284',
    checks: ['etcd-health'],
    recognised: ['dead-member', 'peer-known-already'],
  },
  {
    number: 'F30',
    title: 'etcd does not answer in the time that kubeadm waits: pull, port, disk, MTU',
    threads: 'kubeadm#1712, kubeadm#1353, kubeadm#2325, kubernetes#110161',
    checks: ['reachability', 'firewall', 'control-plane-images', 'disk-latency', 'mtu', 'disk'],
    recognised: ['etcd-wait-over', 'image-not-pulled', 'firewalld', 'disk-slow'],
  },
  {
    number: 'F31',
    title: 'Joins race: a member without a name, a wrong initial cluster',
    threads: 'kubeadm#2001, kubeadm#2005, cluster-api#12007',
    recognised: ['member-count-unequal'],
  },
  {
    number: 'F32',
    title: 'etcd changes its leader, or requests time out, during a join',
    threads: 'libvirt-k8s-provisioner#93',
    checks: ['disk-latency'],
    recognised: ['leader-changed', 'disk-slow', 'leader-lost', 'lock-not-read', 'api-server-without-etcd'],
  },
  {
    number: 'F33',
    title: 'Clocks differ: certificates are not valid yet, or no more',
    threads: 'kubeadm#240, kubernetes#42791, cluster-api#4304, rke#1123',
    checks: ['clocks', 'certificate-expiry'],
    recognised: ['certificate-time', 'etcd-clocks'],
  },
]
