import { sharedKubeletConfig } from '../facts/component-configs.js'
import { toJoin } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'kubelet-serving-certificates'

/** kube-controller-manager signs such requests, and approves none (kubernetes documentation, kubelet TLS bootstrapping). */
export const kubeletServingCertificates: Check = {
  id,
  title: "The joiners' kubelets get serving certificates automatically",
  async check(run) {
    const joining = await toJoin(run)
    const facts = await run.clusterFacts()
    if (joining.length === 0 || sharedKubeletConfig(facts)?.value['serverTLSBootstrap'] !== true) return []
    return [
      {
        id,
        severity: 'warning',
        message: `each joiner's kubelet requests a serving certificate, and until the request is approved, logs, exec and metrics fail there: the run waits five minutes for ${joining.map(({ name }) => name).join(', ')}`,
        evidence: 'ConfigMap kube-system/kubelet-config: serverTLSBootstrap: true',
        remedy:
          'If no controller approves them, during the run: kubectl get csr | grep kubelet-serving, then kubectl certificate approve NAME. The run names each request.',
      },
    ]
  },
}
