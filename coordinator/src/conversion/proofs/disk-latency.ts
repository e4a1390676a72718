import type { Proof } from '../context/proof.js'
import { disksOfEtcd } from '../etcd/disk-latency.js'

const id = 'disk-latency'
/** Of a cluster at work: the last step of a conversion waits for it. */
const limitMs = 200

export const diskLatencyProof: Proof = {
  id,
  title: 'The etcd disks are fast enough (fdatasync)',
  foreseen: [{ asks: 'disks that are fast enough', checks: ['disk-latency'], stays: ['disk-latency'] }],
  async prove(run, signal) {
    const seen = await disksOfEtcd(run, { limitMs, signal })
    return {
      evidence: seen.map(({ evidence }) => evidence),
      findings: seen.flatMap(({ slow }) => (slow === undefined ? [] : [{ id, ...slow }])),
    }
  },
}
