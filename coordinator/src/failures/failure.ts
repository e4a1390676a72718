/** A way in which such a conversion has failed, and what Quorate does about it. */
export type Failure = {
  /** Stable: documents and reports use it. */
  readonly number: string
  readonly title: string
  /** Where it was reported: issues of kubeadm, kubernetes and others, shortened. */
  readonly threads: string
} & Answer

/** At least one of checks and recognised, or the reason why there is neither. */
type Answer =
  | { readonly checks: readonly string[]; readonly recognised?: readonly string[]; readonly neither?: never }
  | { readonly checks?: never; readonly recognised: readonly string[]; readonly neither?: never }
  | { readonly checks?: never; readonly recognised?: never; readonly neither: string }
