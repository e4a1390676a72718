import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import type { StatePaths } from './paths.js'
import { syncFolder } from './write-file.js'

export interface BackupPiece {
  readonly run: string
  readonly node: string
  readonly kind: 'etcd' | 'files'
  /** Ciphertext: the node encrypted it for the operator. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** The most that is taken; unset: what such a backup has at the very most. */
  readonly mostBytes?: number
}

const gibibyte = 2 ** 30
/** The most that a backup has: etcd advises against more than 8 GiB; files are configuration and certificates. */
const usualMostBytes: Readonly<Record<BackupPiece['kind'], number>> = { etcd: 16 * gibibyte, files: gibibyte }
/** What a backup leaves of the disk, for the journal of the run that makes it. */
const leaveFree = 64 * 2 ** 20
/** How often the disk is looked at. */
const lookEvery = 32 * 2 ** 20

/** Writes a backup as it comes, never more than a chunk in memory; it gets its name only when it is whole and on the disk. */
export async function keepBackup(
  paths: StatePaths,
  piece: BackupPiece,
): Promise<{ path: string; sha256: string; bytes: number }> {
  const path = join(paths.backups, piece.run, `${piece.node}-${piece.kind}.age`)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const partial = `${path}.partial`
  const hash = createHash('sha256')
  const { mostBytes = usualMostBytes[piece.kind] } = piece
  let bytes = 0
  let lookedAt = 0
  const file = await open(partial, 'w', 0o600)
  try {
    for await (const chunk of piece.bytes) {
      bytes += chunk.length
      if (bytes > mostBytes) throw tooLarge(piece, mostBytes)
      if (lookedAt === 0 || bytes - lookedAt > lookEvery) {
        await requireRoom(path, piece.node)
        lookedAt = bytes
      }
      hash.update(chunk)
      await file.appendFile(chunk)
    }
    await file.sync()
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  } finally {
    await file.close()
  }
  await rename(partial, path)
  await syncFolder(dirname(path))
  return { path, sha256: hash.digest('hex'), bytes }
}

const tooLarge = ({ node }: BackupPiece, most: number): QuorateError =>
  new QuorateError('AGENT_ANSWER_REFUSED', `the agent sends more than ${most} bytes as its backup`, {
    where: node,
  })

/** A node that sends without end must not take the disk from the journal. */
async function requireRoom(path: string, node: string): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path))
  if (bavail * bsize > leaveFree + lookEvery) return
  throw new QuorateError('SYSTEM_REFUSED', `the backup of ${node} would fill the disk of this machine`, {
    where: path,
    remedy: `Free space on the disk of the state folder. If the backup of ${node} is larger than you expect, look at that node first.`,
  })
}
