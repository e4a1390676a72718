import type { KubeadmDocuments } from '../machines/kubeadm-documents.js'
import type { LabNode, NodeSpec } from '../machines/node.js'

/** What a piece sees of its lab. */
export interface PieceLab {
  readonly version: string
  readonly folder: string
  readonly nodes: readonly LabNode[]
  readonly controlPlanes: readonly LabNode[]
  readonly workers: readonly LabNode[]
  /** The etcd of this machine's cache, for an etcd that is no container. */
  readonly etcdProgram: string
  node(short: string): LabNode
  /** The documents of `kubeadm init` in this lab. */
  kubeadmDocuments(): KubeadmDocuments
  /** Until the API server of cp1 is ready, and any further condition holds. */
  untilReady(also?: () => Promise<boolean>): Promise<void>
}

/** A deviation from a default cluster; a lab has any number of them, by name (`npm run lab -- up --with second-network`). */
export interface Piece {
  /** Machines besides the control planes and workers. */
  readonly machines?: readonly NodeSpec[]
  /** Its nodes have a second network card, and the default route is on the one that the cluster does not use. */
  readonly secondCard?: true
  /** cluster-info cannot be read without credentials: workers get a file instead. */
  readonly discoveryByFile?: true
  /** The hostname of a node's machine, if it differs from the node's name. */
  hostName?(name: string): string
  /** Changes the documents of `kubeadm init`. */
  init?(documents: KubeadmDocuments, lab: PieceLab): void
  /** Prepares the machines before `kubeadm init`. */
  before?(lab: PieceLab): Promise<void>
  /** Changes the cluster that kubeadm has made. */
  after?(lab: PieceLab): Promise<void>
}
