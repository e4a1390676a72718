import { QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import { parseAgentConfig } from './config.js'
import { BackupSealing } from './host/backup-sealing.js'
import type { Host } from './host/host.js'
import { LinuxHost } from './host/linux-host.js'
import { type BackupPlace, findEntry, readBackupIndex, readKept } from './ops/backup/store.js'
import { backupsFolder } from './ops/context/paths.js'
import { isSnapshotKept, keptSnapshot } from './ops/read-backup.js'
import { readText } from './start-agent.js'

/** What `open-backup` calls the snapshot; all else is called by its path. */
const snapshotName = 'etcd-snapshot'

/** One thing that this node keeps of a run. */
export interface KeptBackup {
  readonly run: string
  /** Path of a file, name of an API object, or `etcd-snapshot`. */
  readonly name: string
}

/** Everything that this node keeps, by run. Reads the disk only: no agent, API server or etcd has to run. AGENT_CONFIG_INVALID. */
export async function keptBackups(configPath: string): Promise<readonly KeptBackup[]> {
  const { host, stateFolder, backups } = await placeOf(configPath)
  const runs = (await host.list(backupsFolder(stateFolder))).flatMap(({ name }) => (isRunId(name) ? [name] : []))
  const found = await Promise.all(runs.map((runId) => keptOf({ host, stateFolder, backups, runId })))
  return found.flat()
}

function isRunId(name: string): boolean {
  try {
    parseRunId(name)
    return true
  } catch {
    return false
  }
}

async function keptOf(place: BackupPlace): Promise<readonly KeptBackup[]> {
  const { runId: run } = place
  const { entries } = await readBackupIndex(place)
  const names = entries.flatMap(({ kind, name }) => (kind === 'absent' ? [] : [name]))
  return [...((await isSnapshotKept(place)) ? [snapshotName] : []), ...names].map((name) => ({ run, name }))
}

/** Opens one of them into a new file of mode 0600. BACKUP_MISSING; USAGE where the file exists. Nothing is left of one that is damaged. */
export async function openBackup(configPath: string, { run, name }: KeptBackup, to: string): Promise<number> {
  const place = { ...(await placeOf(configPath)), runId: run }
  const files = new LinuxHost()
  if ((await files.identity(to)) !== undefined)
    throw new QuorateError('USAGE', 'the file exists already', {
      where: to,
      remedy: 'Name a file that does not exist yet with --to.',
    })
  const plain = name === snapshotName ? keptSnapshot(place) : bytesOf(place, name)
  return files.replaceStream(to, plain, { mode: 0o600, exact: true })
}

async function* bytesOf(place: BackupPlace, name: string): AsyncIterable<Uint8Array> {
  const entry = await findEntry(place, name)
  if (entry.kind === 'absent')
    throw new QuorateError('BACKUP_MISSING', `${name} did not exist before run ${place.runId}`, { where: name })
  yield await readKept(place, entry)
}

async function placeOf(configPath: string): Promise<Omit<BackupPlace, 'runId'>> {
  const text = await readText(new LinuxHost(), configPath)
  const { stateFolder, hostRoot } = parseAgentConfig(text, configPath)
  const host: Host = new LinuxHost(hostRoot)
  // It opens only: who the operator is does not matter.
  return {
    host,
    stateFolder,
    backups: new BackupSealing({ host, stateFolder, pins: { pinned: async () => undefined } }),
  }
}
