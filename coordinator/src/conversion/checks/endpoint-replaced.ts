import { formatEndpoint } from '@quorate/shared/names'
import { clusterConfiguration } from '../cluster-configuration.js'
import type { Check } from './check.js'

const id = 'endpoint-replaced'

/** Many clusters with one control plane were made with an endpoint already; users may depend on the old name. */
export const endpointReplaced: Check = {
  id,
  title: 'No other endpoint is replaced unnoticed',
  async check(run) {
    const present = (await clusterConfiguration(run))?.controlPlaneEndpoint
    if (present === undefined || present === '' || present === formatEndpoint(run.endpoint)) return []
    return [
      {
        id,
        severity: 'warning',
        message: `the cluster has the endpoint ${present}, which the conversion replaces by ${formatEndpoint(run.endpoint)}`,
        evidence: `kubeadm-config: controlPlaneEndpoint: ${present}`,
        remedy: `Keep the old name working for users who have it in their kubeconfigs (it stays in the certificate), or write endpoint: ${present} in the cluster file.`,
      },
    ]
  },
}
