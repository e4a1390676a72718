import type { Explanation } from './explanation.js'

const runbook = 'docs/runbook.md#etcd says how to call etcdctl'

/** What etcd says, or kubeadm of etcd. The member list is the truth, never the exit code of kubeadm (kubeadm#2997, #3152). */
export const saidByEtcd: readonly Explanation[] = [
  {
    id: 'learner-behind',
    pattern: /can only promote a learner member which is in sync with leader/,
    cause:
      'The new member has not started, or has not caught up: its image is pulled, its disk is slow, or port 2380 is closed one way.',
    remedy: `etcdctl endpoint status --cluster: a learner that answers needs time and then etcdctl member promote ID; one that does not: its log, nc -vz both ways on 2380 (${runbook})`,
  },
  {
    id: 'promoted-already',
    pattern: /etcdserver: can only promote a learner member(?! which)/,
    cause: 'It is a voter already: kubeadm asked twice. The join itself may be well.',
    remedy: `etcdctl member list: if it votes, go on with kubeadm join phase control-plane-join mark-control-plane (${runbook})`,
  },
  {
    id: 'learners-too-many',
    pattern: /too many learner members in cluster/,
    cause: 'Two control planes join at once and etcd takes one learner at a time. kubeadm tries again by itself.',
    remedy: `Wait; if it does not end: etcdctl member list shows a learner that was left (${runbook})`,
  },
  {
    id: 'member-not-started',
    pattern: /re-configuration failed due to not enough started members/,
    cause: 'A member was added before and never started: etcd takes no other one until it does or is removed.',
    remedy: `etcdctl member list: start the one without a name, or etcdctl member remove ID (${runbook})`,
  },
  {
    id: 'peer-known-already',
    pattern: /etcdserver: Peer URLs already exists/,
    cause: 'A member of that address is in the list: an earlier join of this node left it there.',
    remedy: `etcdctl member list, then etcdctl member remove ID of that address, if nothing runs there (${runbook})`,
  },
  {
    id: 'member-count-unequal',
    pattern: /error validating peerURLs .*member count is unequal/,
    cause: "The member list that kubeadm wrote into the new member's manifest is not etcd's any more: two joins raced.",
    remedy: `On the joiner: kubeadm reset; etcdctl member remove ID of what it added; then join again, one after the other (${runbook})`,
  },
  {
    id: 'quorum-lost',
    pattern: /etcd cluster is unavailable or misconfigured|etcdserver: no leader/,
    cause: 'More than half of the voters do not answer: etcd neither writes nor removes members.',
    remedy: 'docs/runbook.md#quorum, before anything else. First try to bring the member up that went away.',
  },
  {
    id: 'etcd-listens-locally',
    pattern: /dial tcp (?:127\.0\.0\.1|\[::1\]):2380: connect: connection refused/,
    cause:
      'The first member is known by localhost (a cluster born before 1.13, or restored from a snapshot): only itself reaches it.',
    remedy: `etcdctl member update ID --peer-urls=https://ADDRESS:2380, and ADDRESS in --listen-peer-urls of etcd.yaml (${runbook})`,
  },
  {
    id: 'etcd-on-wrong-interface',
    pattern: /error syncing endpoints with etcd?: .*connect: connection refused/,
    cause:
      'A member is known by an address on which it does not listen: the address of another interface was advertised.',
    remedy: `etcdctl member list shows it; join with localAPIEndpoint.advertiseAddress (${runbook})`,
  },
  {
    id: 'dead-member',
    pattern: /etcd cluster is not healthy|error syncing endpoints with etcd?:.*context deadline exceeded/,
    cause: 'The list has a member that does not answer: what a failed join or a removed node left.',
    remedy: `etcdctl endpoint health --cluster, then etcdctl member remove ID of what is gone for good (${runbook})`,
  },
  {
    id: 'etcd-wait-over',
    pattern: /timeout waiting for (?:the )?etcd cluster to be available/,
    cause: 'kubeadm gave up after its own time. etcd may have started right after: a pull, a slow disk, a closed port.',
    remedy: `Do not reset blindly: etcdctl member list first; crictl ps -a --name etcd and its log on the joiner (${runbook})`,
  },
  {
    id: 'leader-changed',
    pattern: /etcdserver: (?:leader changed|request timed out)/,
    cause: 'etcd elected, or a disk was slow. It passes by itself; what comes again and again is the disk.',
    remedy: `Ask again. If it stays: etcdctl endpoint status --cluster, and look at the disk under /var/lib/etcd (${runbook})`,
  },
  {
    id: 'disk-slow',
    pattern: /slow fdatasync|apply (?:request|entries) took too long/,
    cause: "The disk under /var/lib/etcd is slower than etcd's heartbeat: members fall behind and lead by turns.",
    remedy: 'On that node: etcdctl check perf, iostat -x 1; give etcd a disk of its own.',
  },
]
