import type { KubeadmDocuments } from './kubeadm-documents.js'
import type { Lab } from './lab.js'
import type { NodeSpec } from './node.js'

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
  init?(documents: KubeadmDocuments, lab: Lab): void
  /** Prepares the machines before `kubeadm init`. */
  before?(lab: Lab): Promise<void>
  /** Changes the cluster that kubeadm has made. */
  after?(lab: Lab): Promise<void>
}
