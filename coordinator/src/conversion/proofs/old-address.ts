import { oldAddressFindings } from '../endpoint/old-address.js'
import type { Proof } from './proof.js'

export const oldAddress: Proof = {
  id: 'scan-for-old-address',
  title: "Only its own local files name the first control plane's address",
  async prove(run) {
    const findings = await oldAddressFindings(run)
    const what = `${run.first.address} in objects of the API and in files of every node`
    const holds = findings.every(({ severity }) => severity !== 'error')
    return { evidence: holds ? [{ what, saw: 'only in its own local files' }] : [], findings }
  },
}
