import { QuorateError } from '@quorate/shared/errors'
import type { ReadBackupRequest, ReadBackupResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { encrypterFor } from '../host/age-sealing.js'
import { writeArchive } from './backup/archive.js'
import { type BackupPlace, readBackupIndex, readKept, storedName } from './backup/store.js'
import { streamOperation } from './context/operation.js'
import { clearSnapshotPath, etcdSnapshotPath } from './context/paths.js'

/** Well below gRPC's limit of 4 MiB per message. */
const chunkBytes = 256 * 1024

/** A run's backup in chunks, encrypted for the operator that is pinned on this node before it leaves this process: `etcd` is the snapshot, `files` a tar archive. */
export const readBackup = streamOperation<ReadBackupRequest, ReadBackupResponse>(
  async function* (request, tools, signal) {
    // What is pinned is encrypted for from then on: a recipient that is none must not be.
    await encrypterFor(request.recipient)
    await tools.pins.keep('backup-recipient', [request.recipient])
    const { host, stateFolder, backups } = tools
    const place = { host, stateFolder, runId: request.runId, backups }
    const plain = request.kind === 'etcd' ? keptSnapshot(place) : files(place, request.kind)
    for await (const piece of tools.sealing.sealStream(plain, request.recipient)) {
      signal.throwIfAborted()
      for (let at = 0; at < piece.length; at += chunkBytes) {
        yield { chunk: Buffer.from(piece.subarray(at, at + chunkBytes)) }
      }
    }
  },
)

/** Whether this node keeps a snapshot of the run, sealed or as an agent of an earlier version kept it. */
export async function isSnapshotKept({ host, stateFolder, runId }: Omit<BackupPlace, 'backups'>): Promise<boolean> {
  const paths = [etcdSnapshotPath, clearSnapshotPath].map((path) => path(stateFolder, runId))
  const found = await Promise.all(paths.map((path) => host.identity(path)))
  return found.some((one) => one !== undefined)
}

/** The snapshot of a run in clear; BACKUP_MISSING. It can have gigabytes: it is never in memory as a whole. */
export async function* keptSnapshot(place: BackupPlace): AsyncIterable<Uint8Array> {
  const { host, stateFolder, runId, backups } = place
  const path = etcdSnapshotPath(stateFolder, runId)
  const sealed = await host.readStream(path)
  if (sealed !== undefined) return yield* backups.openStream(sealed, path)
  const clear = await host.readStream(clearSnapshotPath(stateFolder, runId))
  if (clear === undefined) throw new QuorateError('BACKUP_MISSING', `run ${runId} has no etcd snapshot on this node`)
  yield* clear
}

async function* files(place: BackupPlace, kind: string): AsyncIterable<Uint8Array> {
  if (kind !== 'files') throw new QuorateError('INVALID_REQUEST', `not a kind of backup: ${JSON.stringify(kind)}`)
  const index = await readBackupIndex(place)
  if (index.entries.length === 0) {
    throw new QuorateError('BACKUP_MISSING', `run ${place.runId} has no backup of files on this node`)
  }
  const kept = await Promise.all(
    index.entries.map(async (entry) => {
      if (entry.kind === 'absent') return undefined
      const { mode, uid, gid } = entry.kind === 'file' ? entry : { mode: 0o600, uid: 0, gid: 0 }
      return { path: storedName(entry), mode, uid, gid, bytes: await readKept(place, entry) }
    }),
  )
  const root = { mode: 0o600, uid: 0, gid: 0 }
  // The archive is encrypted as a whole, what is in it is clear.
  const listed = { ...index, entries: index.entries.map((entry) => ({ ...entry, sealed: undefined })) }
  const indexed = { ...root, path: 'index.json', bytes: Buffer.from(`${JSON.stringify(listed, undefined, 2)}\n`) }
  yield* writeArchive([indexed, ...kept.filter((file) => file !== undefined)])
}
