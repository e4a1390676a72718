import type { Endpoint } from '@quorate/shared/names'
import type { ClusterFile } from '../../config/cluster-file.js'
import { canonicalHash, type PlannedStep } from '../../engine/plan.js'

/** What the hash of a conversion or a fix is made of. */
export interface HashedPlan {
  readonly cluster: string
  readonly endpoint: Endpoint
  readonly steps: readonly Pick<PlannedStep, 'id' | 'actions'>[]
  /** How many approvals the run needs. */
  readonly approvals: number
  /** What the cluster file says beside the steps (budgets, findings to ignore) is approved too. */
  readonly clusterFileHash: string
}

/** What the hash of a rollback is made of: it is of one run, so its approval is of no use for another. */
export interface HashedRollback {
  readonly run: string
  readonly cluster: string
  readonly keepEndpoint: boolean
  readonly approvals: number
  readonly undone: readonly object[]
  readonly stays: readonly object[]
}

/** What the hash of a drill is made of. */
export interface HashedDrill {
  readonly cluster: string
  readonly approvals: number
  readonly scenarios: readonly object[]
  readonly downSeconds: number
  readonly restoreAfterSeconds: number
  readonly abrupt: boolean
}

export const clusterFileHash = (file: ClusterFile): string => canonicalHash(file)

/** Where no approval is needed it is the hash that earlier versions had: those in the operators' scripts stay valid. */
export function planHash({ cluster, endpoint, steps, approvals, clusterFileHash: file }: HashedPlan): string {
  const about = { cluster, endpoint, steps: steps.map(({ id, actions }) => ({ id, actions })) }
  return canonicalHash(approvals === 0 ? about : { ...about, approvals, file })
}

export const rollbackHash = ({ run, cluster, keepEndpoint, approvals, undone, stays }: HashedRollback): string =>
  canonicalHash({ rollback: run, cluster, keepEndpoint, approvals, undone, stays })

export const drillHash = ({ scenarios, cluster, approvals, ...times }: HashedDrill): string => {
  const { downSeconds, restoreAfterSeconds, abrupt } = times
  return canonicalHash({ drill: scenarios, cluster, approvals, downSeconds, restoreAfterSeconds, abrupt })
}
