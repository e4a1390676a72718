import type { RunId } from '@quorate/shared/names'
import type { ClusterFile, NodeEntry } from '../config/cluster-file.js'
import type { MayMiss } from '../conversion/context/roll-call.js'
import type { ConversionRun } from '../conversion/context/run.js'
import type { ConversionStep } from '../conversion/context/step.js'
import { conversionOrder } from '../conversion/order.js'
import type { MissingNode } from '../engine/absence.js'
import type { RecordedFinding } from '../engine/recorded-finding.js'
import type { Fleet } from '../fleet/fleet.js'
import type { Session } from './context/session.js'
import { makeConversionRun } from './make-run.js'

export interface RunIdentity {
  readonly id: RunId | 'plan' | 'verify' | 'backends'
  readonly file: ClusterFile
  /** Which nodes may be missing; none unless given. */
  readonly mayMiss?: MayMiss
  /** Nodes that are missing from the beginning. */
  readonly missing?: readonly MissingNode[]
  /** Errors of the plan that the operator accepted with a reason. */
  readonly accepted?: readonly RecordedFinding[] | undefined
  /** Nodes that an earlier process of the run set aside; unset: unknown. */
  readonly returning?: readonly string[] | undefined
  /** The order, where it is not the whole one. */
  readonly order?: readonly ConversionStep[] | undefined
}

/** The conversion's order, or a test's replacement. */
export const orderOf = (session: Session): readonly ConversionStep[] => session.order ?? conversionOrder

/** A worker can be converted later; a control plane cannot. */
export function workersMayMiss(file: ClusterFile): MayMiss {
  const workers = new Set<string>(file.workers.map(({ name }) => name))
  return ({ name }) => workers.has(name)
}

/** The context of a conversion over the agents of a session. */
export function conversionRun(session: Session, fleet: Fleet, { id, order, ...identity }: RunIdentity): ConversionRun {
  return makeConversionRun({
    id,
    ...identity,
    looksOnly: session.person !== undefined && session.person.role !== 'operator',
    agent: (node: NodeEntry) => fleet.agent(node),
    keepBackup: (node, kind, bytes) => session.keepBackup(id as RunId, node, kind, bytes),
    requestFolder: session.requestFolder(id),
    backupRecipient: session.backupRecipient,
    order: order ?? orderOf(session),
  })
}
