import type { ClusterFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import { endpointServer } from '../endpoint/servers.js'
import type { Check } from './check.js'

const id = 'kube-proxy-absent'

export const kubeProxyAbsent: Check = {
  id,
  title: 'kube-proxy, or its replacement, is known',
  async check(run) {
    const facts = await run.clusterFacts()
    if (facts.kubeProxy?.present === true) return []
    return [facts.kubeProxyRollout === undefined ? absent(facts) : ofOtherKeys(facts, endpointServer(run))]
  },
}

/** kubeadm's key is the one that is rewritten (kubeadm, app/phases/addons/proxy/manifests.go); the server of kube-proxy is unknown here. */
const ofOtherKeys = ({ kubeProxyKeys: keys }: ClusterFacts, server: string): Finding => ({
  id,
  severity: 'error',
  message:
    keys.length === 0
      ? 'kube-proxy runs, but the ConfigMap kube-system/kube-proxy is missing: it cannot be pointed at the endpoint'
      : 'kube-proxy runs, but its ConfigMap has no key kubeconfig.conf: it cannot be pointed at the endpoint',
  evidence: `configmap/kube-system/kube-proxy: ${keys.length === 0 ? 'not found' : `keys ${keys.join(', ')}`}`,
  remedy: `kubectl -n kube-system edit configmap kube-proxy, and write the kubeconfig that kube-proxy uses under the key kubeconfig.conf, to which clientConnection.kubeconfig of config.conf leads (/var/lib/kube-proxy/kubeconfig.conf). If it uses none, set its server to ${server} where it is configured, and add ${id} to policy.ignoreFindings with that as the reason.`,
})

const absent = ({ kubeProxyKeys: keys }: ClusterFacts): Finding => ({
  id,
  // An address of its own that the plugin has is found by old-address-users.
  severity: 'info',
  message: 'the cluster has no kube-proxy; a network plugin that replaces it has its own API server address',
  evidence:
    keys.length === 0
      ? 'configmap/kube-system/kube-proxy: not found'
      : `daemonset/kube-system/kube-proxy: not found; its ConfigMap is there, with ${keys.join(', ')}`,
  remedy:
    'If your network plugin is configured with an address (Cilium: k8sServiceHost), set it to the endpoint after the conversion, with the tool that installed the plugin.',
})
