import { beforeJoining } from './before-joining.js'
import type { Failure } from './failure.js'
import { ofEtcd } from './of-etcd.js'
import { ofLoadBalancers } from './of-load-balancers.js'
import { ofNodes } from './of-nodes.js'
import { ofSurroundings } from './of-surroundings.js'

/** Every known failure of such a conversion, by number. The one place that says which check or which explanation is about which; a check or proof that is about none says itself why it is made (`beside`). */
export const allFailures: readonly Failure[] = [
  ...beforeJoining,
  ...ofEtcd,
  ...ofNodes,
  ...ofLoadBalancers,
  ...ofSurroundings,
]

/** Checks and proofs that are about none of them, and why they are made. */
export const besideTheCatalogue: Readonly<Record<string, string>> = {
  'not-kubeadm': 'Another distribution keeps its cluster files elsewhere: Quorate cannot convert it.',
  'admin-kubeconfig': 'Some operators keep it off the node on purpose: everything else runs without it.',
  'readable-config-maps':
    'What cannot be read cannot be converted: each program that reads it fails with its own message.',
  'readable-texts':
    'A file that the agent could not read is not a failure of the cluster, but it must not make a check pass.',
  'already-highly-available': 'There is nothing to do, or the cluster has control planes that the file does not name.',
  'agent-versions': 'Agents of different versions may behave differently. This concerns Quorate only.',
  'workers-forgotten': 'A worker that the file does not name would keep the old address.',
  'nodes-ready': 'A gate that waits for a Ready node cannot pass if the node was not Ready before.',
  'endpoint-replaced': 'Clients may depend on the endpoint that the cluster has.',
  'kubernetes-release': 'The behavior of an unknown kubeadm release cannot be predicted.',
  proxies: "kubeadm's own preflight only warns of them (HTTPProxy); a kubelet behind one reports no more.",
  'cluster-folders':
    'kubeadm keeps its files where its configuration says: nothing fails while that and the manifests agree.',
  'kubelet-kubeconfig':
    'A kubelet with another kubeconfig runs well until a join waits for the file that kubeadm writes.',
  crictl: "kubeadm's own preflight asks for it up to 1.30.",
  resources: "kubeadm's own preflight asks for them.",
  'kubelet-service': "kubeadm's own preflight warns of it; the node would not come back after a reboot.",
  'api-endpoints': 'In-cluster clients reach the API servers by these, not by the load balancer.',
  'separate-machines': 'Control planes on one machine fail with that machine. No thread reports it.',
  'virtual-ip-in-cloud':
    'Clouds move an address through their own API only. No kubeadm thread reports it; it is a common question about kube-vip.',
  'cloud-init-hosts': 'Entries in /etc/hosts must survive a reboot (kubesphere#5295).',
  'kubelet-flags': 'Kubelet flags are set per node, and kubeadm copies none of them to joiners.',
  'control-plane-taints': 'kubeadm taints every control plane that joins, regardless of the taints of the first one.',
  'node-labels': 'Labels and annotations that the operator set on one Node are not copied to others.',
  'node-pressure': 'The kubelet evicts pods on that node, with or without a conversion.',
  leases: 'Controller-manager and scheduler may run without doing any work. Only their Leases show it.',
}

/** Numbers of the failures that an explanation is about. */
export const failuresOf = (explanation: string): readonly string[] =>
  allFailures.filter(({ recognised }) => recognised?.includes(explanation)).map(({ number }) => number)

/** Numbers of the failures that a check or proof sees before they happen. */
export const failuresSeenBy = (check: string): readonly string[] =>
  allFailures.filter(({ checks }) => checks?.includes(check)).map(({ number }) => number)
