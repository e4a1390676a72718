import { posix } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { sha256Hex } from '@quorate/shared/hash'
import type { BackupSealing } from '../../host/backup-sealing.js'
import type { Host, HostFile } from '../../host/host.js'
import type { ChangeContext } from '../context/operation.js'
import { backupFolder } from '../context/paths.js'
import { isRefused } from './select-files.js'

/**
 * One entry of a run's backup; `sha256` is of what it was, `sealed` that it is kept encrypted: agents of earlier versions kept it in clear.
 * `object` is the text of one ConfigMap key, see backup/config-maps.ts.
 */
export type BackupEntry =
  | {
      readonly kind: 'file'
      readonly name: string
      readonly sha256: string
      readonly mode: number
      readonly uid: number
      readonly gid: number
      readonly sealed?: true
    }
  | { readonly kind: 'object'; readonly name: string; readonly sha256: string; readonly sealed?: true }
  | {
      readonly kind: 'absent'
      readonly name: string
      /** The topmost folder of its path that did not exist either. */
      readonly absentFolder?: string
    }

/** A service's state before the run, for stopping the load balancer. */
export interface UnitBefore {
  readonly active: boolean
  readonly enabled: boolean
}

interface BackupIndex {
  readonly runId: string
  readonly entries: readonly BackupEntry[]
  readonly units: Readonly<Record<string, UnitBefore>>
}

/** Where one run's backup is on this node. */
export interface BackupPlace {
  readonly host: Host
  readonly stateFolder: string
  readonly runId: string
  readonly backups: BackupSealing
}

export const backupPlace = ({ tools, header }: ChangeContext): BackupPlace => ({
  host: tools.host,
  stateFolder: tools.stateFolder,
  runId: header.runId,
  backups: tools.backups,
})

/** It contains keys: only root may read a backup. */
const mode = 0o600

const indexPath = ({ stateFolder, runId }: BackupPlace): string => `${backupFolder(stateFolder, runId)}/index.json`

/** All of /etc/kubernetes is kept, whatever an administrator has put there; far more than what an operation reads to edit it. */
export const mostBackedUpBytes = 16 * 1024 * 1024
/** A header with two recipients, and 16 bytes for each 64 KiB. */
const mostSealedMore = 64 * 1024

/** The name of an entry in the archive that leaves the node. */
export const storedName = (entry: BackupEntry): string =>
  entry.kind === 'file' ? `files${entry.name}` : `objects/${entry.name.replaceAll('/', '_')}`

const storedPath = ({ stateFolder, runId }: BackupPlace, entry: BackupEntry): string =>
  `${backupFolder(stateFolder, runId)}/${storedName(entry)}${entry.kind !== 'absent' && entry.sealed ? '.age' : ''}`

/** Kept encrypted from the first byte: nothing has to be cleaned up after a run that was cut off. */
async function store(place: BackupPlace, entry: BackupEntry, bytes: Uint8Array): Promise<void> {
  await place.host.replace(storedPath(place, entry), Buffer.from(await place.backups.seal(bytes)), { mode })
}

/** The index of a run's backup; empty if the run has none on this node. */
export async function readBackupIndex(place: BackupPlace): Promise<BackupIndex> {
  const file = await place.host.read(indexPath(place), { mostBytes: mostBackedUpBytes })
  if (file === undefined) return { runId: place.runId, entries: [], units: {} }
  return JSON.parse(file.bytes.toString('utf8')) as BackupIndex
}

async function writeIndex(place: BackupPlace, index: BackupIndex): Promise<void> {
  const entries = [...index.entries].sort((a, b) => (a.name < b.name ? -1 : 1))
  const text = `${JSON.stringify({ ...index, entries }, undefined, 2)}\n`
  await place.host.replace(indexPath(place), Buffer.from(text), { mode })
}

/**
 * Adds the current state of files, or their absence, to the run's backup. An entry that exists is kept: the
 * backup is the state before the run, however often this is repeated. Symbolic links, what is refused in homes, and files of more than 16 MiB
 * are omitted: nothing writes there. Returns the added entries.
 */
export async function keepFiles(place: BackupPlace, names: readonly string[]): Promise<readonly BackupEntry[]> {
  const index = await readBackupIndex(place)
  const known = new Set(index.entries.map((entry) => entry.name))
  const missing = [...new Set(names)].filter((name) => !known.has(name))
  const added = (await Promise.all(missing.map((name) => keepFile(place, name)))).filter((entry) => entry !== undefined)
  if (added.length > 0) await writeIndex(place, { ...index, entries: [...index.entries, ...added] })
  return added
}

async function keepFile(place: BackupPlace, name: string): Promise<BackupEntry | undefined> {
  const file = await readToKeep(place.host, name)
  if (file === 'omitted') return undefined
  if (file === undefined) {
    const absentFolder = await topmostAbsent(place.host, posix.dirname(name))
    return { kind: 'absent', name, ...(absentFolder === undefined ? {} : { absentFolder }) }
  }
  const { bytes, uid, gid } = file
  const entry: BackupEntry = { kind: 'file', name, sha256: sha256Hex(bytes), mode: file.mode, uid, gid, sealed: true }
  await store(place, entry, bytes)
  return entry
}

async function topmostAbsent(host: Host, folder: string): Promise<string | undefined> {
  if (folder === '/') return undefined
  const above = posix.dirname(folder)
  if ((await host.list(above)).some(({ name }) => name === posix.basename(folder))) return undefined
  return (await topmostAbsent(host, above)) ?? folder
}

/** True if a file matches the backup: bytes, mode and owner, or its absence. */
export function isAsKept(entry: BackupEntry, present: HostFile | undefined): boolean {
  if (entry.kind !== 'file') return present === undefined
  if (present === undefined || sha256Hex(present.bytes) !== entry.sha256) return false
  return present.mode === entry.mode && present.uid === entry.uid && present.gid === entry.gid
}

/** Restores a file from the backup: bytes, mode and owner; or its absence, and that of the folders made for it. */
export async function putBackFile(place: BackupPlace, entry: BackupEntry): Promise<void> {
  const { host } = place
  if (entry.kind === 'file') {
    const { mode: fileMode, uid, gid } = entry
    await host.replace(entry.name, await readKept(place, entry), { mode: fileMode, uid, gid, exact: true })
    return
  }
  await host.remove(entry.name)
  const top = entry.kind === 'absent' ? entry.absentFolder : undefined
  if (top === undefined) return
  for (let folder = posix.dirname(entry.name); ; folder = posix.dirname(folder)) {
    // Other content may have been added since: then the folder stays.
    if (!(await host.removeEmptyFolder(folder)) || folder === top) return
  }
}

async function readToKeep(host: Host, name: string): Promise<HostFile | undefined | 'omitted'> {
  return host.read(name, { mostBytes: mostBackedUpBytes }).catch((error: unknown) => {
    if (isRefused(error)) return 'omitted' as const
    throw error
  })
}

/** Adds the text of an API object, unless the backup has it. True if it was added. */
export async function keepObject(place: BackupPlace, name: string, text: string | undefined): Promise<boolean> {
  const index = await readBackupIndex(place)
  if (index.entries.some((entry) => entry.name === name)) return false
  const entry: BackupEntry =
    text === undefined ? { kind: 'absent', name } : { kind: 'object', name, sha256: sha256Hex(text), sealed: true }
  if (text !== undefined) await store(place, entry, Buffer.from(text))
  await writeIndex(place, { ...index, entries: [...index.entries, entry] })
  return true
}

/** Records a service's state before the run; the first record wins. */
export async function keepUnit(place: BackupPlace, unit: string, before: UnitBefore): Promise<void> {
  const index = await readBackupIndex(place)
  if (Object.hasOwn(index.units, unit)) return
  await writeIndex(place, { ...index, units: { ...index.units, [unit]: before } })
}

/** The entry of a name; BACKUP_MISSING if this run has none. */
export async function findEntry(place: BackupPlace, name: string): Promise<BackupEntry> {
  const { entries } = await readBackupIndex(place)
  const entry = entries.find((one) => one.name === name)
  if (entry !== undefined) return entry
  throw new QuorateError('BACKUP_MISSING', `run ${place.runId} has no backup of ${name} on this node`, { where: name })
}

/** The stored bytes, verified against their hash; BACKUP_MISSING if they are gone or damaged. */
export async function readKept(place: BackupPlace, entry: Exclude<BackupEntry, { kind: 'absent' }>): Promise<Buffer> {
  const path = storedPath(place, entry)
  const file = await place.host.read(path, { mostBytes: mostBackedUpBytes + mostSealedMore })
  const bytes = entry.sealed && file !== undefined ? await place.backups.open(file.bytes, path) : file?.bytes
  if (bytes !== undefined && sha256Hex(bytes) === entry.sha256) return bytes
  const what = file === undefined ? 'is gone' : 'is damaged: its sha256 is not the one in the index'
  throw new QuorateError('BACKUP_MISSING', `the backup of ${entry.name} in run ${place.runId} ${what}`, {
    where: entry.name,
  })
}
