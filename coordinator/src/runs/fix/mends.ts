import type { Finding } from '../../conversion/context/finding.js'
import type { conversionOrder } from '../../conversion/order.js'
import type { Action } from '../../engine/step.js'

export type StepId = (typeof conversionOrder)[number]['id']

/** The steps that make a proof hold again, or why there is none. */
export type Mending = ByStep | { readonly noStep: string }

interface ByStep {
  readonly steps: readonly StepId[]
  /** Whether an action of one of them is about this finding. */
  isAbout(finding: Finding, action: Action): boolean
}

const onItsNode = ({ node }: Finding, action: Action): boolean => node === undefined || node === action.node
/** The node of such a finding is the one that looked: what is wrong may be on another. */
const anywhere = (): boolean => true
/** One finding is about one file or object, and a node has many of them. */
const inItsDiffs = ({ node, message }: Finding, { diffs }: Action): boolean =>
  diffs.some(({ name }) => message.startsWith(`${name.replace(`${node}:`, '')} `))

const on = (steps: readonly StepId[], isAbout: ByStep['isAbout'] = onItsNode): Mending => ({ steps, isAbout })
const none = (noStep: string): Mending => ({ noStep })

/** Where the CA keeps its key elsewhere, a person signs first. */
const anew: readonly StepId[] = ['request-certificates', 'take-signed-certificates', 'regenerate-apiserver-certificate']

const toJoin = 'A control plane that is not whole is for `quorate convert` to join, a stranger for a person to judge.'

/** WHICH STEPS OF THE ORDER MEND WHAT A PROOF FINDS. Complete: each proof names its steps, or why there is none. */
export const mends: Readonly<Record<string, Mending>> = {
  agents: none('Without the agent of a node nothing can be read or changed on it.'),
  'nobody-missing': none('What waits for a node that was missing is done by `quorate resume`.'),
  'endpoint-name': on(['publish-endpoint-name']),
  'endpoint-answers': on(['start-load-balancer', 'publish-endpoint-name', ...anew], anywhere),
  'apiserver-certificates': on(anew),
  'certificate-names': on(anew),
  'certificate-expiry': none('The steps add names to a certificate; kubeadm renews them.'),
  'load-balancer': on(['start-load-balancer']),
  'virtual-ip': on(['start-load-balancer']),
  'separate-machines': none('Where the machines are is for their operator.'),
  etcd: none(toJoin),
  'etcd-addresses': none('No step changes the flags of an etcd member that runs.'),
  'etcd-topology': none('Where etcd runs, and with how many members, is for its operator.'),
  leases: none('No step writes the manifests of a control plane: kubeadm did when it was made or joined.'),
  'nodes-ready': none(toJoin),
  'control-planes-alike': none('Which of two values is right only the operator can say.'),
  'api-endpoints': none('An API server enters itself, as soon as it runs.'),
  'kubeadm-config': on(['update-kubeadm-config']),
  'cluster-info': on(['update-cluster-info']),
  'kube-proxy': on(['update-kube-proxy']),
  kubeconfigs: on([
    'rewrite-first-kubelet',
    'rewrite-control-plane-kubeconfigs',
    'rewrite-admin-kubeconfigs',
    'rewrite-worker-kubeconfigs',
  ]),
  'kubelet-sockets': on(['rewrite-first-kubelet', 'rewrite-worker-kubeconfigs']),
  coredns: on(['finish']),
  'scan-for-old-address': on(
    [
      'rewrite-first-kubelet',
      'rewrite-control-plane-kubeconfigs',
      'rewrite-admin-kubeconfigs',
      'update-kube-proxy',
      'rewrite-worker-kubeconfigs',
      'update-cluster-info',
    ],
    inItsDiffs,
  ),
  hairpin: on(['start-load-balancer'], anywhere),
  'disk-latency': none('How fast a disk is, no step changes.'),
  'kubelets-reached': none(
    'A request for a serving certificate is approved by a person, a port opened by whoever shut it.',
  ),
  mtu: none('The network of the nodes is for their operator.'),
}

/** What a finding of a proof that this version does not know is told. */
const unknownProof: Mending = none('No step is known for it.')

export const mendingOf = (proof: string): Mending => mends[proof] ?? unknownProof
