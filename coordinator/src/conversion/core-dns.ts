import type { ClusterFacts, PodFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** Pods of CoreDNS that are to stay: kubeadm labels them as kube-dns was. */
export const coreDnsPods = (cluster: ClusterFacts): readonly PodFacts[] =>
  cluster.pods.filter((pod) => pod.namespace === 'kube-system' && pod.app === 'kube-dns' && !pod.ending)

/** Nodes with a ready one. */
export const coreDnsNodes = (cluster: ClusterFacts): readonly string[] => [
  ...new Set(
    coreDnsPods(cluster)
      .filter((pod) => pod.ready)
      .map((pod) => pod.node),
  ),
]

/** Old pods beside new ones: on which nodes the new ones end up is not said yet. */
export const coreDnsRolls = (cluster: ClusterFacts): boolean =>
  new Set(coreDnsPods(cluster).map(({ revision }) => revision)).size > 1
