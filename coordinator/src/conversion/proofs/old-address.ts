import { oldAddressFindings } from '../old-address.js'
import type { Proof } from './proof.js'

export const oldAddress: Proof = {
  id: 'scan-for-old-address',
  title: "Nothing names the first control plane's address but its own local files",
  async prove(run) {
    const findings = await oldAddressFindings(run)
    const what = `${run.first.address} in ConfigMaps, workloads, webhooks and kubeconfigs`
    return { evidence: findings.length === 0 ? [{ what, saw: 'only in its own local files' }] : [], findings }
  },
}
