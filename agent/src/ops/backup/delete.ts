import type { Host } from '../../host/host.js'
import { backupFolder, backupsFolder } from '../context/paths.js'

/** Those of the runs that have a backup on this node. */
export async function withBackup(
  host: Host,
  stateFolder: string,
  runIds: readonly string[],
): Promise<readonly string[]> {
  const kept = new Set((await host.list(backupsFolder(stateFolder))).map(({ name }) => name))
  return runIds.filter((run) => kept.has(run))
}

/** Removes the backup of a run: files, objects, etcd's snapshot and the index. */
export const deleteBackup = (host: Host, stateFolder: string, runId: string): Promise<void> =>
  host.remove(backupFolder(stateFolder, runId), { recursive: true })
