import { disksOfEtcd } from '../etcd/disk-latency.js'
import type { Check } from './check.js'

const id = 'disk-latency'

export const diskLatencyCheck: Check = {
  id,
  title: 'The etcd disks are fast enough (fdatasync)',
  async check(run) {
    const seen = await disksOfEtcd(run)
    return seen.flatMap(({ slow }) => (slow === undefined ? [] : [{ id, ...slow }]))
  },
}
