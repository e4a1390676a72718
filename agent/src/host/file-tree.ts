import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { chmod, lstat, mkdir, open, readdir, readlink, rmdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { absent, type GiveTo, isCode, type Owner, own, syncFolder } from './durable-file.js'
import type { Owned, TreeEntry } from './host.js'

const permissionBits = 0o7777
/** O_PATH, for which Node has no name: opens a link too. */
const openAsItIs = 0o10000000

/** Everything at and below a real path, named from `path`. Entries that vanish during the read are omitted. */
export async function readTree(real: string, path: string): Promise<TreeEntry[]> {
  const stats = await lstat(real).catch(absent)
  if (stats === undefined) return []
  const contents = await contentsOf(real, stats).catch(absent)
  if (contents === undefined) return []
  const { uid, gid } = stats
  const isFile = stats.isFile()
  const mode = stats.isSymbolicLink() ? 0 : stats.mode & permissionBits
  const entry: TreeEntry = { path, kind: kindOf(stats), mode, uid, gid, size: isFile ? stats.size : 0, contents }
  if (!stats.isDirectory()) return [entry]
  const below: TreeEntry[] = []
  const names = (await readdir(real).catch(absent)) ?? []
  // One after the other: a node's folders hold few files, and the agent must stay small.
  for (const name of names.sort()) below.push(...(await readTree(join(real, name), join(path, name))))
  return [entry, ...below]
}

/** The kind of an entry of a folder, links not followed. */
export function kindOf(entry: Pick<Stats, 'isSymbolicLink' | 'isDirectory' | 'isFile'>): TreeEntry['kind'] {
  if (entry.isSymbolicLink()) return 'symlink'
  if (entry.isDirectory()) return 'directory'
  return entry.isFile() ? 'file' : 'other'
}

async function contentsOf(real: string, stats: Stats): Promise<string> {
  if (stats.isSymbolicLink()) return readlink(real)
  if (!stats.isFile()) return ''
  const hash = createHash('sha256')
  const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  for await (const chunk of handle.createReadStream()) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** Makes a folder, or sets mode and owner of an existing one. */
export async function makeOwnedFolder(real: string, { mode, uid, gid }: Owned, giveTo: GiveTo): Promise<void> {
  await mkdir(real, { mode: 0o700 }).catch((error: unknown) => {
    if (!isCode(error, 'EEXIST')) throw error
  })
  await ownAt(real, { uid, gid }, giveTo)
  await chmod(real, mode)
  await syncFolder(dirname(real))
}

export async function makeOwnedLink(
  real: string,
  { target, ...owner }: Owner & { readonly target: string },
  giveTo: GiveTo,
): Promise<void> {
  await symlink(target, real)
  await ownAt(real, owner, giveTo)
  await syncFolder(dirname(real))
}

async function ownAt(real: string, owner: Owner, giveTo: GiveTo): Promise<void> {
  const handle = await open(real, openAsItIs | constants.O_NOFOLLOW)
  try {
    await own(handle, owner, giveTo, real)
  } finally {
    await handle.close()
  }
}

/** True if the folder existed, was empty, and is removed. */
export async function removeIfEmpty(real: string): Promise<boolean> {
  const gone = await rmdir(real).then(
    () => true,
    (error: unknown) => {
      if (isCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) return false
      throw error
    },
  )
  if (gone) await syncFolder(dirname(real))
  return gone
}
