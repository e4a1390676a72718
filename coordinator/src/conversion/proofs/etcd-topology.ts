import { etcdTopology as topologyChecked } from '../checks/etcd-topology.js'
import type { Proof } from '../context/proof.js'
import { resultOf } from './not-proved.js'

/** Three control planes over an etcd that dies with one machine are down with that machine. */
export const etcdTopology: Proof = {
  id: topologyChecked.id,
  title: topologyChecked.title,
  outside: true,
  foreseen: [{ asks: 'an etcd that survives a machine', checks: ['etcd-topology'] }],
  async prove(run) {
    const findings = await topologyChecked.check(run)
    const { members } = await run.etcd()
    const saw = `${members.length} members: ${members.map(({ name }) => name).join(', ')}`
    return resultOf(
      findings.length > 0 ? findings.map((one) => ({ ...one, severity: 'error' as const })) : [{ what: 'etcd', saw }],
    )
  },
}
