import { mtuOfControlPlanes } from '../endpoint/mtu.js'
import type { Check } from './check.js'

const id = 'mtu'

export const mtu: Check = {
  id,
  title: 'Control planes use the same MTU',
  async check(run) {
    const { findings } = await mtuOfControlPlanes(run)
    return findings.map((finding) => ({ id, ...finding }))
  },
}
