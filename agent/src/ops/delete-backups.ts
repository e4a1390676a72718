import { QuorateError } from '@quorate/shared/errors'
import type { DeleteBackupsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { plural } from '@quorate/shared/plural'
import { deleteBackup, withBackup } from './backup/delete.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/** Removes the backups of runs that are over: CA keys and an etcd snapshot in clear, of no use to this node any more. */
export const deleteBackups = changeOperation<DeleteBackupsRequest>(
  async ({ runIds }, { tools: { host, stateFolder }, header, signal }) => {
    if (runIds.includes(header.runId))
      throw new QuorateError('INVALID_REQUEST', 'a run does not remove its own backup: it could not be undone')
    const kept = await withBackup(host, stateFolder, runIds)
    if (kept.length === 0) return unchanged('this node holds no backup of these runs')
    signal.throwIfAborted()
    for (const run of kept) await deleteBackup(host, stateFolder, run)
    return changed({ summary: `removed the backups of ${plural(kept.length, 'run')}`, facts: { runs: kept.join(' ') } })
  },
  {
    evidence: async ({ runIds }, { tools: { host, stateFolder } }) =>
      doneIf((await withBackup(host, stateFolder, runIds)).length === 0),
  },
)
