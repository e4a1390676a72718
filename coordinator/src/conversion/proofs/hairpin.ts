import type { Proof } from '../context/proof.js'
import { hairpinEvidence, hairpinFinding, hairpinOf } from '../endpoint/hairpin.js'
import { resultOf, type Seen } from './not-proved.js'

const id = 'hairpin'

export const hairpinProof: Proof = {
  id,
  title: 'Every control plane reaches itself through the load balancer',
  foreseen: [{ asks: 'control planes that reach themselves', checks: ['hairpin'], stays: ['hairpin'] }],
  async prove(run, signal) {
    const seen = await Promise.all(
      run.controlPlanes.map(async (node): Promise<Seen> => {
        const hairpin = await hairpinOf(run, node, { backends: run.controlPlanes.length, signal })
        return hairpin.problems.length === 0
          ? hairpinEvidence(run, node, hairpin)
          : { id, ...(await hairpinFinding(run, node, hairpin)) }
      }),
    )
    return resultOf(seen)
  },
}
