import type { Proof } from '../context/proof.js'
import { mtuOfControlPlanes } from '../endpoint/mtu.js'

const id = 'mtu'

export const mtuProof: Proof = {
  id,
  title: 'Control planes use the same MTU',
  foreseen: [{ asks: 'packets of one size', checks: ['mtu'], stays: ['mtu'] }],
  async prove(run) {
    const { evidence, findings } = await mtuOfControlPlanes(run)
    return { evidence, findings: findings.map((finding) => ({ id, ...finding })) }
  },
}
