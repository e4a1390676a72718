import type { ClusterFacts, PodFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** Pods of CoreDNS: kubeadm labels them as kube-dns was. */
export const coreDnsPods = (cluster: ClusterFacts): readonly PodFacts[] =>
  cluster.pods.filter((pod) => pod.namespace === 'kube-system' && pod.app === 'kube-dns')

/** Nodes with a ready one. */
export const coreDnsNodes = (cluster: ClusterFacts): readonly string[] => [
  ...new Set(
    coreDnsPods(cluster)
      .filter((pod) => pod.ready)
      .map((pod) => pod.node),
  ),
]
