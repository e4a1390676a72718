import type { Proof } from '../context/proof.js'
import { oldAddressFindings } from '../endpoint/old-address.js'

export const oldAddress: Proof = {
  id: 'scan-for-old-address',
  title: "Only its own local files name the first control plane's address",
  foreseen: [{ asks: 'nothing that works by the old address', checks: ['old-address-users'] }],
  async prove(run) {
    const findings = await oldAddressFindings(run)
    const what = `${run.first.address} in objects of the API and in files of every node`
    const holds = findings.every(({ severity }) => severity !== 'error')
    return { evidence: holds ? [{ what, saw: 'only in its own local files' }] : [], findings }
  },
}
