import { diskLatency } from '../disk-latency.js'
import type { Proof } from './proof.js'

const id = 'disk-latency'

export const diskLatencyProof: Proof = {
  id,
  title: 'The disks under etcd make a record durable fast enough',
  async prove(run, signal) {
    const seen = await Promise.all(run.controlPlanes.map((node) => diskLatency(run, node, { signal })))
    return {
      evidence: seen.map(({ evidence }) => evidence),
      findings: seen.flatMap(({ slow }) => (slow === undefined ? [] : [{ id, ...slow }])),
    }
  },
}
