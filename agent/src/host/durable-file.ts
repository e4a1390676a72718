import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { chmod, type FileHandle, lstat, mkdir, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import type { ReplaceOptions } from './host.js'

const permissionBits = 0o7777

/** True when an error of the system has one of these codes. */
export const isCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '')

/** For `.catch`: what is not there is undefined, other errors pass. */
export const absent = (error: unknown): undefined => {
  if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined
  throw error
}

export const symlinkRefused = (path: string): QuorateError =>
  new QuorateError('SYMLINK_REFUSED', `${path} is a symbolic link`, { where: path })

export interface Replacement extends ReplaceOptions {
  /** Bytes, whole or in pieces. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** False for a simulated node, which runs without root: its whole folder belongs to the one user who plays it. */
  readonly ownerMustHold: boolean
}

interface Looks {
  readonly mode: number
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/**
 * Replaces or makes a file so that a power cut leaves the old one or the new one, never a part: temporary file beside it,
 * fsync, rename, fsync of the folder. A file that is there keeps mode and owner. Resolves with the number of bytes.
 *
 * Node cannot copy extended attributes, so an SELinux label is not carried over by hand: a file made in its own folder gets
 * the label that the policy gives to that folder's files, which is what kubeadm's own writes rely on.
 */
export async function replaceDurably(path: string, replacement: Replacement): Promise<number> {
  const present = await lstat(path).catch(absent)
  if (present?.isSymbolicLink()) throw symlinkRefused(path)
  if (present !== undefined && !present.isFile()) {
    throw new QuorateError('NOT_IN_TABLE', `${path} is not a regular file`, { where: path })
  }
  await makeFolder(dirname(path), replacement.mode)
  // Hidden: the kubelet takes every other file in its manifest folder for a pod.
  const temporary = join(dirname(path), `.${basename(path)}.quorate-${randomBytes(4).toString('hex')}`)
  try {
    const size = await writeTemporary(temporary, replacement, looksFor(present, replacement))
    await rename(temporary, path)
    await syncFolder(dirname(path))
    return size
  } catch (error) {
    await unlink(temporary).catch(absent)
    throw error
  }
}

/** Makes what is missing of a folder; who may read the file may enter the folder, so a secret's folder is private. */
export async function makeFolder(folder: string, fileMode: number): Promise<void> {
  const canRead = fileMode & 0o444
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    // Not left to mkdir: the umask of the agent is strict.
    await chmod(made, 0o700 | canRead | (canRead >> 2))
    await syncFolder(dirname(made))
  }
}

/** Without it a power cut can undo a rename or a creation that was already reported. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function looksFor(present: Stats | undefined, { mode, uid, gid }: ReplaceOptions): Looks {
  if (present === undefined) return { mode, uid, gid }
  return { mode: present.mode & permissionBits, uid: present.uid, gid: present.gid }
}

async function writeTemporary(path: string, { chunks, ownerMustHold }: Replacement, looks: Looks): Promise<number> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const handle = await open(path, flags, 0o600)
  let size = 0
  try {
    for await (const chunk of chunks) {
      await handle.writeFile(chunk)
      size += chunk.length
    }
    await own(handle, looks, ownerMustHold)
    // After chown, which clears set-id bits; by handle, so that the umask has no say.
    await handle.chmod(looks.mode)
    await handle.sync()
    return size
  } finally {
    await handle.close()
  }
}

async function own(handle: FileHandle, { uid, gid }: Looks, mustHold: boolean): Promise<void> {
  const now = await handle.stat()
  if ((uid ?? now.uid) === now.uid && (gid ?? now.gid) === now.gid) return
  await handle.chown(uid ?? now.uid, gid ?? now.gid).catch((error: unknown) => {
    if (mustHold || !isCode(error, 'EPERM')) throw error
  })
}
