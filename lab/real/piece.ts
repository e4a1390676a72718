import type { KubeadmDocuments } from './kubeadm-documents.js'
import type { Lab } from './lab.js'
import type { NodeSpec } from './node.js'

/** What makes a cluster other than the textbook's; a lab has any number of them, by name (`npm run lab -- up --with second-network`). */
export interface Piece {
  /** Machines beside the control planes and workers. */
  readonly machines?: readonly NodeSpec[]
  /** Its nodes have a second network card, and the default route is on the one that the cluster does not use. */
  readonly secondCard?: true
  /** cluster-info cannot be read without credentials: workers get a file instead. */
  readonly discoveryByFile?: true
  /** How the machine of a node is called, where not as the node. */
  hostName?(name: string): string
  /** Changes what `kubeadm init` gets. */
  init?(documents: KubeadmDocuments, lab: Lab): void
  /** Makes the machines ready before `kubeadm init`. */
  before?(lab: Lab): Promise<void>
  /** Changes the cluster that kubeadm has made. */
  after?(lab: Lab): Promise<void>
}
