import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import { formatEndpoint } from '@quorate/shared/names'
import type { Proof } from '../context/proof.js'
import { wantedSans } from '../endpoint/servers.js'
import { notProved, resultOf } from './not-proved.js'

const id = 'kubeadm-config'

/** Without it kubeadm joins no control plane, and its next upgrade takes kube-proxy back to one API server. */
export const kubeadmConfig: Proof = {
  id,
  title: 'kubeadm-config names the endpoint',
  foreseen: [{ asks: 'the endpoint in it', checks: ['kubeadm-config-api'] }],
  async prove(run) {
    const { controlPlaneEndpoint, certSans } = readClusterConfiguration(
      (await run.clusterFacts()).kubeadmConfig?.text ?? '',
    )
    // kubeadm itself puts the endpoint's name into each certificate, whether certSANs has it or not (app/util/pkiutil).
    const missing = wantedSans(run).filter((san) => san !== run.endpoint.host && !certSans.includes(san))
    const what = 'configmap/kube-system/kubeadm-config'
    const saw = `controlPlaneEndpoint ${controlPlaneEndpoint ?? 'absent'}, certSANs ${certSans.join(', ') || 'absent'}`
    if (controlPlaneEndpoint === formatEndpoint(run.endpoint) && missing.length === 0) return resultOf([{ what, saw }])
    const remedy =
      'Run `quorate plan`: it shows the change. By hand: kubectl -n kube-system edit configmap kubeadm-config'
    return resultOf([
      notProved(id, {
        message: `it lacks controlPlaneEndpoint ${formatEndpoint(run.endpoint)} or certSANs ${missing.join(', ')}`,
        evidence: saw,
        remedy,
      }),
    ])
  },
}
