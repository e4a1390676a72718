import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { StatePaths } from './paths.js'
import { syncFolder } from './write-file.js'

export interface BackupPiece {
  readonly run: string
  readonly node: string
  readonly kind: 'etcd' | 'files'
  /** Ciphertext: the node encrypted it for the operator. */
  readonly bytes: AsyncIterable<Uint8Array>
}

/** Writes a backup as it comes, never more than a chunk in memory; it gets its name only when it is whole and on the disk. */
export async function keepBackup(
  paths: StatePaths,
  piece: BackupPiece,
): Promise<{ path: string; sha256: string; bytes: number }> {
  const path = join(paths.backups, piece.run, `${piece.node}-${piece.kind}.age`)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const partial = `${path}.partial`
  const hash = createHash('sha256')
  let bytes = 0
  const file = await open(partial, 'w', 0o600)
  try {
    for await (const chunk of piece.bytes) {
      hash.update(chunk)
      bytes += chunk.length
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
