import type { KubeApi } from '../../host/kube-api.js'

const rbac = '/apis/rbac.authorization.k8s.io/v1'
const both = ['roles', 'rolebindings'] as const

/** What `kubeadm init` makes for joining nodes (app/phases/bootstraptoken, kubelet and uploadconfig), by kind and place. */
const rights = [
  ...both.map((kind) => ({ kind, namespace: 'kube-public', name: 'kubeadm:bootstrap-signer-clusterinfo' })),
  ...both.map((kind) => ({ kind, namespace: 'kube-system', name: 'kubeadm:nodes-kubeadm-config' })),
  ...both.map((kind) => ({ kind, namespace: 'kube-system', name: 'kubeadm:kubelet-config' })),
  { kind: 'clusterroles', namespace: '', name: 'kubeadm:get-nodes' },
  ...['get-nodes', 'kubelet-bootstrap', 'node-autoapprove-bootstrap'].map((name) => ({
    kind: 'clusterrolebindings',
    namespace: '',
    name: `kubeadm:${name}`,
  })),
] as const

type Right = (typeof rights)[number]

const pathOf = ({ kind, namespace, name }: Right): string =>
  namespace === '' ? `${rbac}/${kind}/${name}` : `${rbac}/namespaces/${namespace}/${kind}/${name}`

/** As kubectl names it: `role/kube-system/kubeadm:kubelet-config`. */
const nameOf = ({ kind, namespace, name }: Right): string =>
  [kind.replace(/s$/, ''), ...(namespace === '' ? [] : [namespace]), name].join('/')

/** The missing ones: without them kubeadm join is `forbidden` (kubernetes#103978). */
export async function missingJoinRights(kube: KubeApi, signal: AbortSignal): Promise<string[]> {
  const found = await Promise.all(rights.map((right) => kube.get(pathOf(right), signal)))
  return rights.filter((_, index) => found[index] === undefined).map(nameOf)
}
