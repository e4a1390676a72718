import { constants, type Stats } from 'node:fs'
import { type FileHandle, mkdir, readdir, unlink } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { readAtMost } from '@quorate/shared/read-at-most'
import type { Disk } from './disk.js'
import { absent, type GiveTo, isCode, replaceDurably } from './durable-file.js'
import { kindOf, removeIfEmpty } from './file-tree.js'
import type { DirectoryEntry, HostFile, ReplaceOptions } from './host.js'

const permissionBits = 0o7777
const setIdBits = 0o6000
/** A kubeconfig of a hundred clusters is half of it. */
const mostBytes = 1024 * 1024

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
/** O_NONBLOCK: a FIFO must not hang the agent. */
const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Everything in homes; of root's home only what the homes of users have too. */
const inHome = /^\/(?:root\/\.kube|home\/[^/]+)(?:\/|$)/

export const isInHome = (path: string): boolean => inHome.test(resolve(path))

/** Number of folders down to the home itself. */
const depthOfHome = (path: string): number => (path.startsWith('/root/') ? 1 : 2)

const isRoot = (uid: number): boolean => uid === 0 || uid === process.getuid?.()

/** A group of one is common where a simulated node runs without root. With an ACL the group's bits are those of all that it names. */
const writableByOthers = process.getuid?.() === 0 ? 0o022 : 0o002

/** Only root can make a name in it. */
const isOnlyRoots = ({ uid, mode }: Stats): boolean => isRoot(uid) && (mode & writableByOthers) === 0

/** An opened folder: whatever its name leads to by now, `real` leads to this one. */
interface Folder {
  readonly handle: FileHandle
  readonly real: string
  readonly stats: Stats
  /** Owner of the home; undefined above it. */
  readonly homeOwner: number | undefined
}

interface HomeOptions {
  readonly giveTo: GiveTo
  /** Copies the access control attributes of one path to another; `shown` is for errors. */
  readonly copyContext: (from: string, to: string, shown: string) => Promise<void>
}

/**
 * The only way to files in homes, for reads and writes alike. Users own the folders there, and can exchange a folder or file for a link
 * at any moment. So each folder is opened by itself without following links, and the work is done below the opened folder, not by its name.
 * Folders and files belong to root or the owner of the home; a file is regular, small and has one name. Everything else is refused.
 *
 * Trees, links and streams are not written here: the cluster's own folders may lie in a home only where all of it is root's (node-folders.ts).
 */
export class HomeFiles {
  private readonly root: string
  private readonly disk: Disk
  private readonly options: HomeOptions

  constructor(root: string, disk: Disk, options: HomeOptions) {
    this.root = root
    this.disk = disk
    this.options = options
  }

  async read(path: string): Promise<HostFile | undefined> {
    return this.within(dirname(path), async (folder) => {
      const file = await this.openFile(folder, path)
      if (file === undefined) return undefined
      try {
        const { mode, uid, gid } = file.stats
        return {
          bytes: await readAtMost(file.handle, { path, size: file.stats.size, mostBytes }),
          mode: mode & permissionBits,
          uid,
          gid,
        }
      } finally {
        await file.handle.close()
      }
    })
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    const entries = await this.within(path, ({ real }) => readdir(real, { withFileTypes: true }))
    return (entries ?? []).map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
  }

  /** As Host.replace. A missing folder is made for the owner of the folder that it is in. */
  async replace(path: string, bytes: Uint8Array, options: ReplaceOptions): Promise<void> {
    const write = async (folder: Folder): Promise<void> => {
      const present = await this.openFile(folder, path)
      const label = async (_: string, made: FileHandle) => {
        // By descriptor: another program follows it, and the name may lead elsewhere by now.
        if (present !== undefined) await this.options.copyContext(forOthers(present.handle), forOthers(made), path)
      }
      try {
        const { giveTo } = this.options
        const looks = looksFor(present?.stats, options)
        const replacement = { ...looks, chunks: [bytes], giveTo, label, shown: path, exchangeable: true }
        await replaceDurably(`${folder.real}/${basename(path)}`, replacement, this.disk)
      } finally {
        await present?.handle.close()
      }
    }
    await this.within(dirname(path), write, true)
  }

  async remove(path: string): Promise<void> {
    await this.within(dirname(path), async ({ handle, real }) => {
      await unlink(`${real}/${basename(path)}`).catch(absent)
      await handle.sync()
    })
  }

  async removeEmptyFolder(path: string): Promise<boolean> {
    const removed = await this.within(dirname(path), ({ real }) => removeIfEmpty(`${real}/${basename(path)}`))
    return removed ?? false
  }

  /** Whether only root can have put there what is in this folder, links too. */
  async isOnlyRoots(folder: string): Promise<boolean> {
    return (await this.within(folder, async ({ stats }) => isOnlyRoots(stats))) ?? false
  }

  /** Acts in an opened folder; undefined if it does not exist and is not to be made. */
  private async within<T>(path: string, act: (folder: Folder) => Promise<T>, make = false): Promise<T | undefined> {
    const names = resolve(path).split('/').filter(Boolean)
    const start = await this.disk.open(this.root, constants.O_RDONLY | constants.O_DIRECTORY)
    let folder = asFolder(start, await start.stat(), undefined)
    try {
      for (const [index, name] of names.entries()) {
        const shown = `/${names.slice(0, index + 1).join('/')}`
        const next = await this.openFolder(folder, { name, shown, make })
        if (next === undefined) return undefined
        const stats = await next.stat()
        await folder.handle.close()
        folder = asFolder(next, stats, folder.homeOwner ?? (index + 1 === depthOfHome(path) ? stats.uid : undefined))
        refuseOwner(folder, stats, shown)
      }
      return await act(folder)
    } finally {
      await folder.handle.close()
    }
  }

  private async openFolder(
    parent: Folder,
    { name, shown, make }: { readonly name: string; readonly shown: string; readonly make: boolean },
  ): Promise<FileHandle | undefined> {
    const real = `${parent.real}/${name}`
    try {
      return await this.disk.open(real, folderFlags)
    } catch (error) {
      if (isCode(error, 'ENOENT')) return make ? this.makeFolder(parent, real, shown) : undefined
      // Linux returns ENOTDIR for a link too.
      if (!isCode(error, 'ENOTDIR', 'ELOOP')) throw error
      const seen = await this.disk.lstat(real).catch(absent)
      if (seen?.isFile() && !make) return undefined
      throw seen?.isSymbolicLink() ? linkRefused(shown, 'folder') : unsafe(shown, 'is not a folder')
    }
  }

  private async makeFolder({ stats, handle: parent }: Folder, real: string, shown: string): Promise<FileHandle> {
    await mkdir(real, { mode: 0o700 })
    const handle = await this.disk.open(real, folderFlags)
    // Another folder may have taken its place: nothing that has contents is given away.
    const isNew = isRoot((await handle.stat()).uid) && (await readdir(below(handle))).length === 0
    if (isNew && !isRoot(stats.uid)) await this.options.giveTo(handle, stats, shown)
    await parent.sync()
    return handle
  }

  private async openFile(folder: Folder, path: string): Promise<{ handle: FileHandle; stats: Stats } | undefined> {
    const handle = await this.disk.open(`${folder.real}/${basename(path)}`, fileFlags).catch((error: unknown) => {
      if (isCode(error, 'ELOOP')) throw linkRefused(path, 'file')
      // A socket.
      if (isCode(error, 'ENXIO')) throw unsafe(path, 'is not a regular file')
      return absent(error)
    })
    if (handle === undefined) return undefined
    try {
      const stats = await handle.stat()
      refuseUnsafe(folder, stats, path)
      return { handle, stats }
    } catch (error) {
      await handle.close()
      throw error
    }
  }
}

const below = ({ fd }: FileHandle): string => `/proc/self/fd/${fd}`
const forOthers = ({ fd }: FileHandle): string => `/proc/${process.pid}/fd/${fd}`

const asFolder = (handle: FileHandle, stats: Stats, homeOwner: number | undefined): Folder => ({
  ...{ handle, stats, homeOwner },
  real: below(handle),
})

/** Of the file that was checked, whatever has its name by now. */
const looksFor = (present: Stats | undefined, options: ReplaceOptions): ReplaceOptions =>
  present === undefined || options.exact
    ? options
    : { mode: present.mode & permissionBits, uid: present.uid, gid: present.gid, exact: true }

const unsafe = (path: string, why: string): QuorateError =>
  new QuorateError('UNSAFE_FILE', `${path} ${why}`, { where: path })

const linkRefused = (path: string, kind: 'folder' | 'file'): QuorateError =>
  new QuorateError('SYMLINK_REFUSED', `${path} is a symbolic link`, {
    where: path,
    remedy: `Quorate does not follow links in homes, because their user can change where they lead. Replace the link with a ${kind} of that user.`,
  })

function refuseOwner({ homeOwner }: Folder, { uid }: Stats, path: string): void {
  if (isRoot(uid) || uid === homeOwner) return
  const user = homeOwner === undefined || isRoot(homeOwner) ? '' : `uid ${homeOwner} or `
  throw unsafe(path, `belongs to uid ${uid}, not to ${user}root`)
}

function refuseUnsafe(folder: Folder, stats: Stats, path: string): void {
  if (!stats.isFile()) throw unsafe(path, 'is not a regular file')
  if ((stats.mode & setIdBits) !== 0) throw unsafe(path, 'has a setuid or setgid bit')
  // There, a file of another owner or with another name is root's own choice.
  if (isOnlyRoots(folder.stats)) return
  if (stats.nlink > 1) throw unsafe(path, `has ${stats.nlink} names (hard links)`)
  refuseOwner(folder, stats, path)
}
