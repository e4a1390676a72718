import type { Finding } from '../../conversion/context/finding.js'
import type { ConversionStep } from '../../conversion/context/step.js'
import type { Action } from '../../engine/step.js'

/** The steps that make a proof hold again, in the order in which they run, or why there are none. */
export type FixedBy = ByStep | { readonly noStep: string }

interface ByStep {
  readonly steps: readonly string[]
  /** Whether an action of one of them is about this finding. */
  readonly isAbout: IsAbout
}

type IsAbout = (finding: Finding, action: Action) => boolean

const onItsNode: IsAbout = ({ node }, action) => node === undefined || node === action.node
/** The node of such a finding is the one that observed it: the cause may be on another. */
const anywhere: IsAbout = () => true
/** One finding is about one file or object, and a node has many of them. */
const inItsDiffs: IsAbout = ({ node, message }, { diffs }) =>
  diffs.some(({ name }) => message.startsWith(`${name.replace(`${node}:`, '')} `))

/** Which action a proof's finding is about, where not one on its node. */
export const notOnItsNode: Readonly<Record<string, IsAbout>> = {
  'endpoint-answers': anywhere,
  'scan-for-old-address': inItsDiffs,
  hairpin: anywhere,
}

const toJoin =
  'Run `quorate convert` to join an incomplete control plane; the operator decides about an unknown member.'

/** Why no step fixes what a proof finds: one sentence for each proof that no step names in `fixes`. */
export const whyNoStep: Readonly<Record<string, string>> = {
  agents: 'Without its agent nothing can be read or changed on a node.',
  'nobody-missing': 'Run `quorate resume` to do what waits for a missing node.',
  'certificate-expiry': 'The steps add names to a certificate; kubeadm renews them.',
  'separate-machines': 'The operator decides where the machines run.',
  etcd: toJoin,
  'etcd-addresses': 'No step changes the flags of a running etcd member.',
  'etcd-topology': 'The operator decides where etcd runs and with how many members.',
  leases: 'No step writes the manifests of a control plane: kubeadm writes them at init and join.',
  'nodes-ready': toJoin,
  'control-planes-alike': 'Only the operator knows which of two values is correct.',
  'api-endpoints': 'An API server adds its own endpoint as soon as it runs.',
  'disk-latency': 'No step changes the speed of a disk.',
  'kubelets-reached': 'The operator approves requests for serving certificates and opens closed ports.',
  mtu: 'The operator configures the network of the nodes.',
}

/** What fixes a finding of a proof: the steps of the order whose `fixes` names it, or why there are none. */
export function fixOf(order: readonly ConversionStep[], proof: string): FixedBy {
  const steps = order.filter(({ fixes = [] }) => fixes.some(({ id }) => id === proof)).map(({ id }) => id)
  return steps.length > 0
    ? { steps, isAbout: notOnItsNode[proof] ?? onItsNode }
    : { noStep: whyNoStep[proof] ?? 'This version has no step for it.' }
}
