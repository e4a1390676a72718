import type { RemoveHostsBlockRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { withHostsBlockOf } from '@quorate/shared/hosts-file'
import { editFile, isEdited } from './backup/edit-file.js'
import { type BackupPlace, backupPlace, readBackupIndex, readKept } from './backup/store.js'
import { changeOperation } from './context/operation.js'
import { hostsPath } from './context/paths.js'
import { unchanged } from './context/result.js'

/** Removes this run's block from /etc/hosts and keeps everything else byte for byte; an earlier run's block is restored. */
export const removeHostsBlock = changeOperation<RemoveHostsBlockRequest>(
  async (_request, context) => {
    const alreadySo = `${hostsPath} has no block of this run`
    if ((await context.tools.host.read(hostsPath)) === undefined) return unchanged(alreadySo)
    const before = await textBefore(backupPlace(context))
    return editFile(context, {
      path: hostsPath,
      edit: (text) => withHostsBlockOf(before, text ?? ''),
      mode: 0o644,
      done: `removed the block of this run from ${hostsPath}`,
      alreadySo,
    })
  },
  {
    evidence: async (_, context) => {
      const before = await textBefore({ ...context.tools, runId: context.header.runId })
      return isEdited(context, hostsPath, (text) => withHostsBlockOf(before, text ?? ''))
    },
  },
)

/** As this run found it; empty if there was no file, or this run wrote none. The marks are ASCII, so any encoding works. */
async function textBefore(place: BackupPlace): Promise<string> {
  const entry = (await readBackupIndex(place)).entries.find(({ name }) => name === hostsPath)
  return entry?.kind === 'file' ? (await readKept(place, entry)).toString('latin1') : ''
}
