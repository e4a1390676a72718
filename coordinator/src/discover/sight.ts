/** A machine of the draft; what is undefined becomes a question. */
export interface Machine {
  readonly name: string | undefined
  readonly address: string | undefined
  /** Where its agent is reached, if not at the address. */
  readonly agent?: string | undefined
  /** Where all that comes from; goes into the comment. */
  readonly from: string
}

/** What serves the endpoint already. */
export interface Balancer {
  readonly kind: 'external' | 'kube-vip'
  readonly virtualIP?: string | undefined
  readonly image?: string | undefined
  readonly from: string
}

/** What a cluster says of itself. */
export interface ClusterSight {
  /** `https://192.168.13.30:6443` */
  readonly server: string
  readonly version: string | undefined
  /** A name of its own, other than kubeadm's default, and where it comes from. */
  readonly name: { readonly value: string; readonly from: string } | undefined
  /** The oldest first. */
  readonly controlPlanes: readonly Machine[]
  readonly workers: readonly Machine[]
  /** controlPlaneEndpoint of kubeadm-config; `unread` where that may not be read. */
  readonly endpoint: string | undefined | 'unread'
  readonly apiPort: number | undefined
  readonly balancer: Balancer | undefined
  /** What the reader of the draft should know, a sentence each. */
  readonly notes: readonly string[]
}

/** Text of others in a comment: one line, without characters that a terminal obeys or that are not seen. */
export const inComment = (text: string): string => text.slice(0, 300).replaceAll(/[^\x20-\x7e]/g, '?')
