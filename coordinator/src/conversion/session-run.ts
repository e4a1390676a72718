import type { RunId } from '@quorate/shared/names'
import type { ClusterFile, NodeEntry } from '../config/cluster-file.js'
import type { Fleet } from '../fleet/fleet.js'
import { makeConversionRun } from './make-run.js'
import type { ConversionRun } from './run.js'
import type { Session } from './session.js'

/** The context of a conversion over the agents of a session. */
export function conversionRun(
  session: Session,
  fleet: Fleet,
  file: ClusterFile,
  id: RunId | 'plan' | 'verify',
): ConversionRun {
  return makeConversionRun({
    id,
    file,
    agent: (node: NodeEntry) => fleet.agent(node),
    keepBackup: (node, kind, bytes) => session.keepBackup(id as RunId, node, kind, bytes),
    backupRecipient: session.backupRecipient,
  })
}
