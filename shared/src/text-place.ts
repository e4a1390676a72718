/** Where a text is, and how to edit it. */
export interface TextPlace {
  /** What messages call it: the key of a ConfigMap, the path of a file. */
  readonly what: string
  /** The object of the API. Absent for a file: the node is the one that was asked. */
  readonly where?: string
  /** The command that opens it in an editor. */
  readonly edit: string
}

/** A key of a ConfigMap. */
export const configMapPlace = (namespace: string, name: string, key: string): TextPlace => ({
  what: key,
  where: `configmap/${namespace}/${name}`,
  edit: `kubectl -n ${namespace} edit configmap ${name}`,
})

/** A file of the node that is asked. */
export const filePlace = (path: string): TextPlace => ({ what: path, edit: `On that node: vi ${path}` })

/** The texts that kubeadm keeps in the cluster. */
export const clusterTexts = {
  clusterConfiguration: configMapPlace('kube-system', 'kubeadm-config', 'ClusterConfiguration'),
  kubeletConfig: configMapPlace('kube-system', 'kubelet-config', 'kubelet'),
  kubeProxyConfig: configMapPlace('kube-system', 'kube-proxy', 'config.conf'),
  kubeProxyKubeconfig: configMapPlace('kube-system', 'kube-proxy', 'kubeconfig.conf'),
  clusterInfo: configMapPlace('kube-public', 'cluster-info', 'kubeconfig'),
} as const satisfies Record<string, TextPlace>
