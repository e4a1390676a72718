/** The label by which the Service and the ReplicaSet of CoreDNS find its pods (kubeadm's addon), and its values. */
export const coreDnsLabel = {
  name: 'k8s-app',
  serving: 'kube-dns',
  /** On a pod that is being moved: it still answers, but is asked no longer. */
  leaving: 'kube-dns-leaving',
} as const
