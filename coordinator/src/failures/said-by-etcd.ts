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
    cause: 'The member is already a voter: kubeadm asked twice. The join itself may have succeeded.',
    remedy: `etcdctl member list: if it is a voter, continue with kubeadm join phase control-plane-join mark-control-plane (${runbook})`,
  },
  {
    id: 'learners-too-many',
    pattern: /too many learner members in cluster/,
    cause: 'Two control planes join at once, and etcd accepts one learner at a time. kubeadm retries automatically.',
    remedy: `Wait. If the error persists: etcdctl member list shows a learner left by an earlier join (${runbook})`,
  },
  {
    id: 'peer-of-a-refused-learner',
    pattern: /ignored streaming request; ID mismatch/,
    cause:
      'The etcd with the ID remote-peer-id-from asks here for another member than the one that runs here: the member was replaced; or etcd refused a learner (joins at once), and made a peer of it when it started again (etcd 3.7.0).',
    remedy: `etcdctl member list: if remote-peer-id-header is not in it, nothing is wrong with the members. The asking ends when that etcd starts again after its next snapshot (--snapshot-count writes, 10,000 by default) (${runbook})`,
  },
  {
    id: 'member-not-started',
    pattern: /re-configuration failed due to not enough started members/,
    cause: 'A member was added earlier and never started: etcd accepts no other member until it starts or is removed.',
    remedy: `etcdctl member list: start the one without a name, or etcdctl member remove ID (${runbook})`,
  },
  {
    id: 'peer-known-already',
    pattern: /etcdserver: Peer URLs already exists/,
    cause: 'The list already has a member with that address: an earlier join of this node left it.',
    remedy: `etcdctl member list, then etcdctl member remove ID of that address, if nothing runs there (${runbook})`,
  },
  {
    id: 'member-count-unequal',
    pattern: /: member count is unequal/,
    cause:
      "The member list that kubeadm wrote into the new member's manifest no longer matches the one of etcd: two joins raced.",
    remedy: `On the joiner: kubeadm reset; etcdctl member remove ID of the member that it added; then join again, one node at a time (${runbook})`,
  },
  {
    id: 'quorum-lost',
    pattern:
      /etcd cluster is unavailable or misconfigured|etcdserver: no leader|raft\.node: [0-9a-f]{1,16} lost leader/,
    cause: 'More than half of the voters do not answer: etcd neither writes nor removes members.',
    remedy: 'Read docs/runbook.md#quorum first. Try to start the member that stopped.',
  },
  {
    id: 'etcd-listens-locally',
    pattern: /dial tcp (?:127\.0\.0\.1|\[::1\]):2380: connect: connection refused/,
    cause:
      'The peer URL of the first member is localhost (a cluster created before 1.13, or restored from a snapshot): no other member can reach it.',
    remedy: `etcdctl member update ID --peer-urls=https://ADDRESS:2380, and ADDRESS in --listen-peer-urls of etcd.yaml (${runbook})`,
  },
  {
    id: 'etcd-on-wrong-interface',
    pattern: /error syncing endpoints with etcd?: .{0,400}connect: connection refused/,
    cause:
      'A member is known by an address on which it does not listen: the address of another interface was advertised.',
    remedy: `etcdctl member list shows it; join with localAPIEndpoint.advertiseAddress (${runbook})`,
  },
  {
    id: 'dead-member',
    pattern: /etcd cluster is not healthy|error syncing endpoints with etcd?:.{0,400}context deadline exceeded/,
    cause: 'The list has a member that does not answer, left by a failed join or a removed node.',
    remedy: `etcdctl endpoint health --cluster, then etcdctl member remove ID of a member that is gone for good (${runbook})`,
  },
  {
    id: 'etcd-wait-over',
    pattern: /timeout waiting for (?:the )?etcd cluster to be available/,
    cause:
      'kubeadm timed out. etcd may have started right after. Usual causes: an image pull, a slow disk, a closed port.',
    remedy: `Do not reset blindly: etcdctl member list first; crictl ps -a --name etcd and its log on the joiner (${runbook})`,
  },
  {
    id: 'leader-changed',
    pattern: /etcdserver: (?:leader changed|request timed out)/,
    cause: 'etcd elected a new leader, or a disk was slow. This is transient; if it recurs, the disk is too slow.',
    remedy: `Retry. If it persists: etcdctl endpoint status --cluster, and look at the disk under /var/lib/etcd (${runbook})`,
  },
  {
    id: 'disk-slow',
    pattern: /slow fdatasync|apply (?:request|entries) took too long|failed to send out heartbeat on time/,
    cause:
      "The disk under /var/lib/etcd is slower than etcd's heartbeat: members fall behind and the leader changes repeatedly.",
    remedy: 'On that node: etcdctl check perf, iostat -x 1; give etcd a disk of its own.',
  },
  {
    id: 'etcd-authentication',
    pattern:
      /etcdserver: (?:user name (?:is empty|not found)|permission denied|invalid auth token|authentication is not enabled)|auth: (?:invalid auth token|user not found)/,
    cause:
      'Authentication is enabled in etcd: a client is the user named by the common name of its certificate, and adding or promoting a member needs the role root.',
    remedy: `etcdctl auth status; etcdctl user list; etcdctl user add NAME --no-password && etcdctl user grant-role NAME root, for each name that etcd does not know (${runbook})`,
  },
  {
    id: 'etcd-quota',
    pattern: /mvcc: database space exceeded|etcdserver: no space|alarm ?raised.{0,100}NOSPACE|"alarm":"NOSPACE"/,
    cause:
      'The database reached its quota and etcd refuses writes. A member with a smaller --quota-backend-bytes raises the alarm for all: the flag of one manifest is not in kubeadm-config.',
    remedy: `etcdctl alarm list; etcdctl defrag --cluster; etcdctl alarm disarm; give every member the same quota-backend-bytes (${runbook})`,
  },
  {
    id: 'etcd-cluster-id',
    pattern: /cluster ID mismatch/,
    cause: 'That member belongs to another cluster: its data directory holds data of an earlier cluster.',
    remedy: `On the new node: kubeadm reset, which empties /var/lib/etcd; etcdctl member list, then join again (${runbook})`,
  },
  {
    id: 'etcd-member-removed',
    pattern: /member has been permanently removed from the cluster|the data-dir used by this member must be removed/,
    cause: 'This member was removed from the cluster and still starts with its old data.',
    remedy: `On that node: kubeadm reset, then join it again. Not on a node whose member \`etcdctl member list\` shows (${runbook})`,
  },
  {
    id: 'etcd-bootstrapped-already',
    pattern: /member [0-9a-f]{1,16} has already been bootstrapped/,
    cause:
      'The cluster knows this member as started, and its data directory is empty: the data were deleted on the node only.',
    remedy: `etcdctl member remove ID; on that node: kubeadm reset, then join it again (${runbook})`,
  },
  {
    id: 'etcd-initial-cluster',
    pattern:
      /couldn't find local name "[^"]{1,253}" in the initial cluster configuration|--initial-cluster (?:has|must include) \S{1,300}|unmatched member while checking PeerURLs/,
    cause:
      'The name or the peer address in the manifest is not the one that was added: an address of another node, or a changed host name.',
    remedy: `etcdctl member list; compare --name, --initial-cluster and --initial-advertise-peer-urls in /etc/kubernetes/manifests/etcd.yaml of the joiner (${runbook})`,
  },
  {
    id: 'etcd-peer-name',
    pattern: /does not match any of DNSNames/,
    cause:
      "The member's peer certificate does not have the address that it connects from: a copied certificate, or NAT between the nodes.",
    remedy:
      'On that node: openssl x509 -noout -ext subjectAltName -in /etc/kubernetes/pki/etcd/peer.crt; kubeadm init phase certs etcd-peer creates it after you move the old one away',
  },
  {
    id: 'etcd-clocks',
    pattern: /clock difference against peer \S{1,60} is too high|prober found high clock drift/,
    cause: 'The clocks of two members differ by more than a second.',
    remedy: 'On both: timedatectl; chronyc tracking',
  },
  {
    id: 'etcd-peer-not-reached',
    pattern:
      /health check for peer \S{1,60} could not connect|prober detected unhealthy status|lost the TCP streaming connection with peer/,
    cause: 'A member does not reach another on its peer address: it is down, or port 2380 is closed one way.',
    remedy: `etcdctl endpoint health --cluster; on both nodes: nc -vz OTHER_NODE 2380 (${runbook})`,
  },
  {
    id: 'etcd-data-damaged',
    pattern:
      /found data inconsistency with peers|(?:wal(?:pb)?|snap): crc mismatch|failed to find database snapshot file|"alarm":"CORRUPT"/,
    cause: 'The data of this member are damaged or differ from the others: a power loss, or a disk that loses writes.',
    remedy: `While the others have a quorum: etcdctl member remove ID, kubeadm reset on that node, and join it again (${runbook})`,
  },
  {
    id: 'etcd-learner-asked',
    pattern: /rpc not supported for learner/,
    cause:
      'A client sent a request to a learner, and learners serve no reads. The error stops when the member is promoted.',
    remedy: `etcdctl endpoint status --cluster; if the learner has caught up: etcdctl member promote ID (${runbook})`,
  },
  {
    id: 'etcd-unhealthy-cluster',
    pattern: /etcdserver: unhealthy cluster/,
    cause: 'etcd adds no member if one of its voters was disconnected within the last seconds.',
    remedy: `etcdctl endpoint health --cluster; start or remove the member that does not answer (${runbook})`,
  },
  {
    id: 'learner-not-started',
    pattern: /the etcd member [0-9a-f]{1,16} is not started/,
    cause: 'kubeadm is waiting for the new member, and its etcd has not started yet.',
    remedy: `On the joiner: crictl ps -a --name etcd; crictl logs $(crictl ps -a --name etcd -q | head -1) (${runbook})`,
  },
]
