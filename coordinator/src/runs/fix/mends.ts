import type { Finding } from '../../conversion/context/finding.js'
import type { conversionOrder } from '../../conversion/order.js'
import type { Action } from '../../engine/step.js'

export type StepId = (typeof conversionOrder)[number]['id']

/** The steps that make a proof hold again, or why there are none. */
export type Mending = ByStep | { readonly noStep: string }

interface ByStep {
  readonly steps: readonly StepId[]
  /** Whether an action of one of them is about this finding. */
  isAbout(finding: Finding, action: Action): boolean
}

const onItsNode = ({ node }: Finding, action: Action): boolean => node === undefined || node === action.node
/** The node of such a finding is the one that observed it: the cause may be on another. */
const anywhere = (): boolean => true
/** One finding is about one file or object, and a node has many of them. */
const inItsDiffs = ({ node, message }: Finding, { diffs }: Action): boolean =>
  diffs.some(({ name }) => message.startsWith(`${name.replace(`${node}:`, '')} `))

const on = (steps: readonly StepId[], isAbout: ByStep['isAbout'] = onItsNode): Mending => ({ steps, isAbout })
const none = (noStep: string): Mending => ({ noStep })

/** Where the CA key is kept elsewhere, the operator signs first. */
const reissue: readonly StepId[] = [
  'request-certificates',
  'take-signed-certificates',
  'regenerate-apiserver-certificate',
]

const toJoin =
  'Run `quorate convert` to join an incomplete control plane; the operator decides about an unknown member.'

/** WHICH STEPS OF THE ORDER FIX WHAT A PROOF FINDS. Complete: each proof names its steps, or why there are none. */
export const mends: Readonly<Record<string, Mending>> = {
  agents: none('Without its agent nothing can be read or changed on a node.'),
  'nobody-missing': none('Run `quorate resume` to do what waits for a missing node.'),
  'endpoint-name': on(['publish-endpoint-name']),
  'endpoint-answers': on(['start-load-balancer', 'publish-endpoint-name', ...reissue], anywhere),
  'apiserver-certificates': on(reissue),
  'certificate-names': on(reissue),
  'certificate-expiry': none('The steps add names to a certificate; kubeadm renews them.'),
  'load-balancer': on(['start-load-balancer']),
  'virtual-ip': on(['start-load-balancer']),
  'separate-machines': none('The operator decides where the machines run.'),
  etcd: none(toJoin),
  'etcd-addresses': none('No step changes the flags of a running etcd member.'),
  'etcd-topology': none('The operator decides where etcd runs and with how many members.'),
  leases: none('No step writes the manifests of a control plane: kubeadm writes them at init and join.'),
  'nodes-ready': none(toJoin),
  'control-planes-alike': none('Only the operator knows which of two values is correct.'),
  'api-endpoints': none('An API server adds its own endpoint as soon as it runs.'),
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
  'disk-latency': none('No step changes the speed of a disk.'),
  'kubelets-reached': none('The operator approves requests for serving certificates and opens closed ports.'),
  mtu: none('The operator configures the network of the nodes.'),
}

/** For a finding of a proof that this version does not know. */
const unknownProof: Mending = none('This version has no step for it.')

export const mendingOf = (proof: string): Mending => mends[proof] ?? unknownProof
