import type { EtcdFacts } from '../context/etcd-facts.js'

/** From this size on a database is large: the plan measures how long a new member takes to learn it, and every deadline of its join is longer. */
export const large = 2 ** 30
/** A slower network or disk is not worth waiting for: 100 Mbit/s, less the overhead of TLS and TCP. */
const slowestBytesPerSecond = 10_000_000

/** Of the largest member, free pages included: etcd sends a new member the whole file. */
export const databaseBytes = ({ members }: EtcdFacts): number =>
  Math.max(0, ...members.map(({ status }) => status?.dbSizeBytes ?? 0))

/** Its size after a defragmentation; the same where etcd does not report it. */
export const inUseBytes = ({ members }: EtcdFacts): number =>
  Math.max(0, ...members.map(({ status }) => status?.dbInUseBytes || status?.dbSizeBytes || 0))

/** kubeadm's `timeouts.etcdAPICall` for its join, seconds: overlapping joins wait for each other's learner in it. One of two values: a resumed join is the same request. */
export const etcdTimeoutSeconds = (etcd: EtcdFacts): number => (databaseBytes(etcd) < large ? 300 : 900)

/** How much longer than usual a new member may take to answer; ms. */
export function learningMs(etcd: EtcdFacts): number {
  const bytes = databaseBytes(etcd)
  return bytes < large ? 0 : Math.round((bytes * 1_000) / slowestBytesPerSecond)
}
