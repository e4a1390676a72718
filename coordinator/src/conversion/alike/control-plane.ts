import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'

/** A control plane of the cluster with what is known of it. */
export interface ControlPlane {
  readonly node: NodeEntry
  readonly facts: NodeFacts
}

/** Two that are compared. */
export interface Pair {
  readonly here: ControlPlane
  readonly there: ControlPlane
}

/** A finding on `here`. */
export type Difference = Omit<Finding, 'id' | 'node'>
