import type { Check } from './check.js'

const id = 'kube-proxy-absent'

export const kubeProxyAbsent: Check = {
  id,
  title: 'kube-proxy, or what replaces it, is known',
  async check(run) {
    const { kubeProxy } = await run.clusterFacts()
    if (kubeProxy?.present === true) return []
    return [
      {
        id,
        // An address of its own that the plugin has is found by old-address-users.
        severity: 'info',
        message:
          'the cluster has no kube-proxy; a network plugin that replaces it has its own address of the API server',
        evidence: 'configmap/kube-system/kube-proxy: not found',
        remedy:
          'If your network plugin is configured with an address (Cilium: k8sServiceHost), set it to the endpoint after the conversion, by the tool that installed it.',
      },
    ]
  },
}
