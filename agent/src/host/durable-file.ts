import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { type Disk, systemDisk } from './disk.js'
import type { ReplaceOptions } from './host.js'

const permissionBits = 0o7777

/** True if a system error has one of these codes. */
export const isCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '')

/** For `.catch`: a missing file is undefined, other errors pass. */
export const absent = (error: unknown): undefined => {
  if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined
  throw error
}

export const symlinkRefused = (path: string): QuorateError =>
  new QuorateError('SYMLINK_REFUSED', `${path} is a symbolic link`, { where: path })

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Gives an open file or folder to another owner; `shown` is for errors. */
export type GiveTo = (handle: FileHandle, owner: Owner, shown: string) => Promise<void>

export interface Replacement extends ReplaceOptions {
  /** Bytes, at once or in pieces. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  readonly giveTo: GiveTo
  /** Gives the new file the access control attributes of the one that it replaces, before it takes its place. */
  readonly label?: (temporary: string, handle: FileHandle) => Promise<void>
  /** How errors name the path; default: as it is. */
  readonly shown?: string
  /** Others may exchange what lies in the folder meanwhile: then what has the name at the end must be what was written. */
  readonly exchangeable?: boolean
}

interface Looks {
  readonly mode: number
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/** The temporary file of a replacement; one that a power cut left is removed when the agent starts. */
export const temporaryBeside = (path: string): string =>
  // Hidden: the kubelet takes every other file in its manifest folder for a pod.
  join(dirname(path), `.${basename(path)}.quorate-${randomBytes(4).toString('hex')}`)

export const isTemporary = (name: string): boolean => /^\..+\.quorate-[0-9a-f]{8}$/.test(name)

/**
 * Replaces or makes a file so that a power cut leaves the old or the new one, never a part: temporary file beside it,
 * fsync, rename, fsync of the folder. An existing file keeps mode and owner. Resolves with the number of bytes.
 *
 * A new file gets the SELinux context that the policy defines for its folder. An existing one may have another, such as
 * /etc/hosts in /etc: `label` keeps it.
 */
export async function replaceDurably(path: string, replacement: Replacement, disk: Disk = systemDisk): Promise<number> {
  const { shown = path } = replacement
  const present = await disk.lstat(path).catch(absent)
  if (present?.isSymbolicLink()) throw symlinkRefused(shown)
  if (present !== undefined && !present.isFile()) {
    throw new QuorateError('NOT_IN_TABLE', `${shown} is not a regular file`, { where: shown })
  }
  await makeFolder(dirname(path), replacement.mode, disk)
  const temporary = temporaryBeside(path)
  try {
    const handle = await openNew(temporary, disk)
    try {
      const size = await writeTemporary(handle, replacement, looksFor(present, replacement), shown)
      if (present !== undefined) await replacement.label?.(temporary, handle)
      await disk.rename(temporary, path)
      if (replacement.exchangeable) await refuseExchanged(handle, await disk.lstat(path).catch(absent), shown)
      await syncFolder(dirname(path), disk)
      return size
    } finally {
      await handle.close()
    }
  } catch (error) {
    // Report the first error of the disk, not that of the cleanup.
    await disk.unlink(temporary).catch(() => {})
    throw error
  }
}

/** Makes the missing part of a folder. Users who may read the file may enter the folder, so a secret's folder is private. */
export async function makeFolder(folder: string, fileMode: number, disk: Disk = systemDisk): Promise<void> {
  const canRead = fileMode & 0o444
  const first = await disk.mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    // Not left to mkdir: the agent's umask is strict.
    await disk.chmod(made, 0o700 | canRead | (canRead >> 2))
    await syncFolder(dirname(made), disk)
  }
}

/** Without it a power cut can undo a rename or a creation that was already reported. */
export async function syncFolder(folder: string, disk: Disk = systemDisk): Promise<void> {
  const handle = await disk.open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A file that does not exist yet, for root only. */
export const openNew = (path: string, disk: Disk = systemDisk, more = 0): Promise<FileHandle> =>
  disk.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | more, 0o600)

function looksFor(present: Stats | undefined, { mode, uid, gid, exact }: ReplaceOptions): Looks {
  if (present === undefined || exact) return { mode, uid, gid }
  return { mode: present.mode & permissionBits, uid: present.uid, gid: present.gid }
}

async function writeTemporary(
  handle: FileHandle,
  { chunks, giveTo }: Replacement,
  looks: Looks,
  shown: string,
): Promise<number> {
  let size = 0
  for await (const chunk of chunks) {
    await handle.writeFile(chunk)
    size += chunk.length
  }
  await own(handle, looks, giveTo, shown)
  // After chown, which clears set-id bits; by handle, so that the umask does not apply.
  await handle.chmod(looks.mode)
  await handle.sync()
  return size
}

async function refuseExchanged(handle: FileHandle, seen: Stats | undefined, shown: string): Promise<void> {
  const { dev, ino } = await handle.stat()
  if (seen?.dev === dev && seen.ino === ino) return
  throw new QuorateError('UNSAFE_FILE', `${shown} was exchanged while it was written`, { where: shown })
}

/** An owner that is not set stays. */
export async function own(handle: FileHandle, wish: Partial<Looks>, giveTo: GiveTo, shown: string): Promise<void> {
  const now = await handle.stat()
  const owner = { uid: wish.uid ?? now.uid, gid: wish.gid ?? now.gid }
  if (owner.uid !== now.uid || owner.gid !== now.gid) await giveTo(handle, owner, shown)
}
