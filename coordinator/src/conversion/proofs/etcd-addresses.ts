import { etcdAddresses as addressesChecked } from '../checks/etcd-addresses.js'
import type { Proof } from '../context/proof.js'
import { resultOf } from './not-proved.js'

/** A member that only its own node reaches has a vote that counts and data that no other node can read. */
export const etcdAddresses: Proof = {
  id: addressesChecked.id,
  title: addressesChecked.title,
  foreseen: [{ asks: 'members that others reach', checks: ['etcd-addresses'] }],
  async prove(run) {
    const findings = await addressesChecked.check(run)
    const homes = (await run.etcdTopology()).homes()
    const saw = homes.map(({ address }) => address).join(', ')
    const seen = homes.length === 0 ? [] : [{ what: 'etcd listens on, and is known by', saw }]
    return resultOf(findings.length > 0 ? findings : seen)
  },
}
