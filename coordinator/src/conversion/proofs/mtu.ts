import { mtuOfControlPlanes } from '../endpoint/mtu.js'
import type { Proof } from './proof.js'

const id = 'mtu'

export const mtuProof: Proof = {
  id,
  title: 'Control planes use the same MTU',
  async prove(run) {
    const { evidence, findings } = await mtuOfControlPlanes(run)
    return { evidence, findings: findings.map((finding) => ({ id, ...finding })) }
  },
}
