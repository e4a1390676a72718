import { beforeJoining } from './before-joining.js'
import type { Failure } from './failure.js'
import { ofEtcd } from './of-etcd.js'
import { ofLoadBalancers } from './of-load-balancers.js'
import { ofNodes } from './of-nodes.js'
import { ofSurroundings } from './of-surroundings.js'

/** Every known failure of such a conversion, by number. The one place that says which check or which explanation is about which. */
export const allFailures: readonly Failure[] = [
  ...beforeJoining,
  ...ofEtcd,
  ...ofNodes,
  ...ofLoadBalancers,
  ...ofSurroundings,
]

/** Checks and proofs that are about none of them, and why they are made. */
export const besideTheCatalogue: Readonly<Record<string, string>> = {
  'not-kubeadm': 'Another distribution keeps its cluster elsewhere: nothing here would fit.',
  'admin-kubeconfig': 'Who keeps it off the node knows why: everything else runs on without it.',
  'readable-config-maps': 'What cannot be read cannot be converted: each program that reads it fails in its own words.',
  'readable-texts':
    "What an agent could not read is no failure of the cluster's, and nothing may look sound for that reason.",
  'already-highly-available': 'There would be nothing to do, or control planes that the file does not know.',
  'agent-versions': "Agents of several versions may differ in what they do: Quorate's own.",
  'workers-forgotten': 'A worker that the file forgets would be left with the old address.',
  'nodes-ready': 'A gate that waits for a node to be Ready cannot pass on one that was not before.',
  'endpoint-replaced': 'Users may depend on the endpoint that the cluster has.',
  'kubernetes-release':
    'What kubeadm of an unknown release does cannot be foreseen: no thread, a limit of what is known.',
  proxies: "kubeadm's own preflight only warns of them (HTTPProxy); a kubelet behind one reports no more.",
  'cluster-folders':
    'kubeadm keeps its files where its configuration says: nothing fails while that and the manifests agree.',
  'kubelet-kubeconfig':
    'A kubelet with another kubeconfig runs well until a join waits for the file that kubeadm writes.',
  crictl: "kubeadm's own preflight asks for it up to 1.30.",
  resources: "kubeadm's own preflight asks for them.",
  'kubelet-service': "kubeadm's own preflight warns of it; the node would not come back after a reboot.",
  'api-endpoints': 'In-cluster clients reach the API servers by these, not by the load balancer.',
  'separate-machines':
    'Control planes on one machine are lost with it: no thread tells of it, every operator knows one.',
  'virtual-ip-in-cloud':
    'Clouds move an address by their own API only: no thread of kubeadm, the first question of those of kube-vip.',
  'cloud-init-hosts': 'What is written into /etc/hosts must be there after the next boot too (kubesphere#5295).',
  'kubelet-flags': "A kubelet's flags are each node's own, and kubeadm carries none of them over.",
  'control-plane-taints': 'kubeadm taints what joins, whatever the first control plane has.',
  'node-labels': 'What a person gave one Node, no other gets.',
  'node-pressure': 'The kubelet evicts pods there: what comes of it is the same with and without a conversion.',
  leases: 'Controller-manager and scheduler may run and work for nobody: seen by their Leases only.',
}

/** Numbers of the failures that an explanation is about. */
export const failuresOf = (explanation: string): readonly string[] =>
  allFailures.filter(({ recognised }) => recognised?.includes(explanation)).map(({ number }) => number)

/** Numbers of the failures that a check or proof sees before they happen. */
export const failuresSeenBy = (check: string): readonly string[] =>
  allFailures.filter(({ checks }) => checks?.includes(check)).map(({ number }) => number)
