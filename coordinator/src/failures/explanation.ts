/** What a message of kubeadm, etcd, the kubelet and others means. Data only: one literal entry each, read top to bottom. */
export interface Explanation {
  /** Kebab-case, stable: docs and `explain -o json` use it. */
  readonly id: string
  /** Matches one line. Of the words that the program itself writes, and no wider than these. */
  readonly pattern: RegExp
  /** Why the program reports it, one or two sentences. */
  readonly cause: string
  /** What to do, with the command to type. */
  readonly remedy: string
}
