import { disksOfEtcd } from '../etcd/disk-latency.js'
import type { Proof } from './proof.js'

const id = 'disk-latency'
/** Of a cluster at work: the last step of a conversion waits for it. */
const limitMs = 200

export const diskLatencyProof: Proof = {
  id,
  title: 'The etcd disks are fast enough (fdatasync)',
  async prove(run, signal) {
    const seen = await disksOfEtcd(run, { limitMs, signal })
    return {
      evidence: seen.map(({ evidence }) => evidence),
      findings: seen.flatMap(({ slow }) => (slow === undefined ? [] : [{ id, ...slow }])),
    }
  },
}
