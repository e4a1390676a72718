import { type ComponentConfigText, readComponentConfig } from '@quorate/shared/component-config'
import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFacts, NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { clusterTexts, filePlace } from '@quorate/shared/text-place'
import { kubeletConfigPath } from './cluster-folders.js'

/** What kubeadm gives every kubelet; undefined where it cannot be read, which `readable-config-maps` says. */
export const sharedKubeletConfig = ({ kubeletConfig }: ClusterFacts): ComponentConfigText | undefined =>
  readable(kubeletConfig?.text ?? '', 'KubeletConfiguration', clusterTexts.kubeletConfig)

/** What kubeadm gives every kube-proxy; undefined where it cannot be read. */
export const sharedProxyConfig = ({ kubeProxyConfig }: ClusterFacts): ComponentConfigText | undefined =>
  readable(kubeProxyConfig?.text ?? '', 'KubeProxyConfiguration', clusterTexts.kubeProxyConfig)

/** What a node's kubelet has; undefined where it has none, or where it cannot be read. */
export const ownKubeletConfig = (facts: NodeFacts): ComponentConfigText | undefined =>
  readable(facts.kubeletConfig, 'KubeletConfiguration', filePlace(kubeletConfigPath(facts)))

function readable(...text: Parameters<typeof readComponentConfig>): ComponentConfigText | undefined {
  try {
    return readComponentConfig(...text)
  } catch (error) {
    if (error instanceof QuorateError) return undefined
    throw error
  }
}
