import type { ClusterFile } from '@quorate/coordinator/config/cluster-file'
import type { Test } from 'tap'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'

/** What becomes of such a cluster. */
export type Outcome =
  /** It converts, and the result is equal on every control plane. */
  | 'supported'
  /** A change is proposed with its diff; it converts when the operator accepts it. */
  | 'offered'
  /** A blocking finding names what is wrong and what to type. */
  | 'blocked'
  /** It converts, and a warning says what the operator should know. */
  | 'reported'
  /** Nothing is wrong with it and nothing is said. */
  | 'accepted'

/** A finding that the plan must have. */
export interface ExpectedFinding {
  /** Id of the check. */
  readonly check: string
  readonly severity: 'error' | 'warning' | 'info'
  /** Short name of the node that is named: `cp1`. */
  readonly on?: string
  readonly message?: RegExp
  readonly evidence?: RegExp
  readonly remedy?: RegExp
}

/** Something put into a sound simulated cluster, which is then planned. */
export interface PlanTrial {
  /** Puts it in; answers how it is taken out again. */
  put(cluster: SimulatedCluster): Promise<() => Promise<unknown>>
  /** What the plan must find, and nothing else above `info`. Empty: nothing. */
  readonly finds: readonly ExpectedFinding[]
  /** Checks that may see the same: a case that changes kubeadm-config alone has its first control plane differ from what joiners would get. */
  readonly seenBy?: readonly string[]
  /** What the cluster file says beyond the usual. */
  readonly policy?: Partial<ClusterFile['policy']>
  /** What the diffs of the plan show. */
  readonly diff?: readonly RegExp[]
}

/** A cluster, or a text, that people reported in public, and what Quorate does with it. docs/cases.md is generated from the list of them. */
export interface PublicCase {
  /** Unique, kebab-case: `certificates-dir-elsewhere`. */
  readonly id: string
  /** The kind of fault that it is one of: `A10`. Cases of one kind are its variants. */
  readonly kind: string
  /** Where it was reported: `kubernetes/kubeadm#1468`, or the page of a documentation by its name. */
  readonly source: readonly string[]
  /** What is special about the cluster: one sentence. */
  readonly input: string
  readonly outcome: Outcome
  /** What Quorate does with it: one sentence. */
  readonly answer: string
  /** A plan of a simulated cluster, a whole simulated conversion, or a call of one function. */
  readonly trial:
    | { readonly plan: PlanTrial }
    | { readonly conversion: (t: Test) => Promise<void> }
    | { readonly call: (t: Test) => void | Promise<void> }
}
