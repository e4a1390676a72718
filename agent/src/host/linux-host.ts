import { constants, realpathSync, type Stats } from 'node:fs'
import { access, type FileHandle, lstat, open, readdir, readlink, rm, stat, statfs, unlink } from 'node:fs/promises'
import { dirname, join, normalize, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { readAtMost } from '@quorate/shared/read-at-most'
import { commands } from './commands.js'
import { type Disk, systemDisk } from './disk.js'
import { absent, type GiveTo, isCode, replaceDurably, symlinkRefused, syncFolder } from './durable-file.js'
import { kindOf, makeOwnedFolder, makeOwnedLink, readTree, removeIfEmpty } from './file-tree.js'
import { HomeFiles, isInHome } from './home-files.js'
import {
  type Command,
  type CommandResult,
  type DirectoryEntry,
  type DiskSpace,
  type Host,
  type HostFile,
  type Owned,
  type PathKind,
  type PathOwner,
  type ReadOptions,
  type ReplaceOptions,
  type SyncLatency,
  type SyncWish,
  type TreeEntry,
  usualMostBytes,
  type WriteRate,
} from './host.js'
import { runProgram } from './run-program.js'
import { measureSync, measureWriting } from './sync-latency.js'

const permissionBits = 0o7777
const mostLinks = 16

/**
 * The node itself: its files below `hostRoot` (`/` on a real node, a folder for a simulated one) and the programs in PATH.
 * Needs root for files of other owners. System errors (EACCES, ENOSPC, EROFS) pass unchanged.
 */
export class LinuxHost implements Host {
  private readonly root: string
  private readonly disk: Disk
  private readonly homes: HomeFiles

  constructor(hostRoot = '/', disk: Disk = systemDisk) {
    this.root = resolve(hostRoot)
    this.disk = disk
    this.homes = new HomeFiles(this.root, disk, {
      giveTo: this.giveTo,
      copyContext: (from, to, shown) => this.keepContext(from, to, shown),
    })
  }

  realPath(path: string): string {
    if (!path.startsWith('/')) throw new QuorateError('NOT_IN_TABLE', `not an absolute path: ${JSON.stringify(path)}`)
    // resolve drops the trailing slash: `/etc/` is the folder `/etc`.
    return resolve(join(this.root, normalize(path)))
  }

  async read(path: string, options: ReadOptions = {}): Promise<HostFile | undefined> {
    const { mostBytes = usualMostBytes } = options
    try {
      return await this.readAt(path, path, mostBytes)
    } catch (error) {
      // Most files that may be links are none.
      if (!options.followLinks || asQuorateError(error).code !== 'SYMLINK_REFUSED') throw error
      return this.readAt(path, await this.linkEnd(path), mostBytes)
    }
  }

  async readStream(path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    if (isInHome(path)) {
      const small = await this.homes.read(path)
      return small && Readable.from([small.bytes])
    }
    const file = await this.openFile(path, this.realPath(path))
    return file?.handle.createReadStream()
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    const entries = isInHome(path) ? await this.homes.list(path) : await this.listFolder(path)
    return [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async tree(path: string): Promise<readonly TreeEntry[]> {
    const real = this.realPath(path)
    this.refuseEscape(real)
    return readTree(real, path)
  }

  async makeFolder(path: string, owned: Owned): Promise<void> {
    const real = this.realPath(path)
    this.refuseEscape(real)
    await makeOwnedFolder(real, owned, this.giveTo)
  }

  async makeLink(path: string, target: string, owner: { readonly uid: number; readonly gid: number }): Promise<void> {
    const real = this.realPath(path)
    this.refuseEscape(real)
    await makeOwnedLink(real, { target, ...owner }, this.giveTo)
  }

  async removeEmptyFolder(path: string): Promise<boolean> {
    const real = this.realPath(path)
    if (real === this.root) return false
    if (isInHome(path)) return this.homes.removeEmptyFolder(path)
    this.refuseEscape(real)
    return removeIfEmpty(real)
  }

  async replace(path: string, bytes: Uint8Array, options: ReplaceOptions): Promise<void> {
    if (isInHome(path)) await this.homes.replace(path, bytes, options)
    else await this.write(path, [bytes], options)
  }

  async replaceStream(path: string, chunks: AsyncIterable<Uint8Array>, options: ReplaceOptions): Promise<number> {
    return this.write(path, chunks, options)
  }

  async remove(path: string, options: { readonly recursive?: boolean } = {}): Promise<void> {
    const real = this.realPath(path)
    if (real === this.root) throw new QuorateError('NOT_IN_TABLE', `refused to remove ${path}`)
    if (isInHome(path) && !options.recursive) return this.homes.remove(path)
    this.refuseEscape(real)
    if (options.recursive) await rm(real, { recursive: true, force: true })
    else await unlink(real).catch(absent)
    await syncFolder(dirname(real)).catch(absent)
  }

  async run(command: Command, signal?: AbortSignal): Promise<CommandResult> {
    return runProgram(command, { hostRoot: this.root, ...(signal === undefined ? {} : { signal }) })
  }

  async linkEnd(path: string): Promise<string> {
    const real = await this.followLinks(path)
    return this.root === '/' ? real : real.slice(this.root.length)
  }

  async look(path: string): Promise<{ readonly kind: PathKind; readonly bytes: number } | undefined> {
    const seen = await stat(await this.followLinks(path)).catch(absent)
    return seen === undefined ? undefined : { kind: pathKindOf(seen), bytes: seen.size }
  }

  async owned(path: string): Promise<PathOwner | undefined> {
    const real = this.realPath(path)
    const seen = await lstat(real).catch(absent)
    if (seen === undefined) return undefined
    const isOwn = seen.uid === process.getuid?.()
    if (seen.isSymbolicLink()) return { ours: isOwn, link: await readlink(real) }
    const groupMay = (seen.mode & 0o020) !== 0 && seen.gid !== process.getgid?.()
    return { ours: isOwn && !groupMay && (seen.mode & 0o002) === 0 }
  }

  async identity(path: string): Promise<string | undefined> {
    const own = await lstat(this.realPath(path)).catch(absent)
    const seen = own?.isSymbolicLink() ? await stat(await this.followLinks(path)).catch(absent) : own
    return seen === undefined ? undefined : `${seen.ino}:${seen.size}:${seen.mtimeMs}`
  }

  /** Of the file system that holds the path, or would hold it: that of the nearest existing folder. */
  async diskSpace(path: string): Promise<DiskSpace | undefined> {
    for (let real = this.realPath(path); ; real = dirname(real)) {
      const space = await statfs(real).catch(absent)
      if (space !== undefined) {
        return {
          freeBytes: space.bavail * space.bsize,
          sizeBytes: space.blocks * space.bsize,
          readOnly: await isReadOnly(real),
        }
      }
      if (real === this.root || real === dirname(real)) return undefined
    }
  }

  async syncLatency(path: string, wish: SyncWish): Promise<SyncLatency> {
    const real = this.realPath(path)
    this.refuseEscape(real)
    const { folder, took } = await measureSync(real, wish, this.disk)
    return { folder: this.asSeen(folder), took }
  }

  async writeRate(path: string, limitMs: number): Promise<WriteRate> {
    const real = this.realPath(path)
    this.refuseEscape(real)
    const { folder, bytesPerSecond } = await measureWriting(real, limitMs, this.disk)
    return { folder: this.asSeen(folder), bytesPerSecond }
  }

  private asSeen(real: string): string {
    return this.root === '/' ? real : real.slice(this.root.length) || '/'
  }

  /** By a unit, because the agent's own may not. A simulated node runs without root: its whole folder belongs to one user. */
  private readonly giveTo: GiveTo = async (handle, owner, shown) => {
    const { exitCode, stderr } = await this.run(commands.changeOwner(process.pid, handle.fd, owner))
    if (exitCode === 0 || this.root !== '/') return
    throw new QuorateError('COMMAND_FAILED', `${shown} was not given to ${owner.uid}:${owner.gid}: ${stderr.trim()}`, {
      where: shown,
      remedy:
        'On that node: `systemd-run --pipe --wait true` must succeed; it needs a running D-Bus. Then run the command again.',
    })
  }

  private async readAt(path: string, end: string, mostBytes: number): Promise<HostFile | undefined> {
    return isInHome(end) ? this.homes.read(end) : this.readFile(path, this.realPath(end), mostBytes)
  }

  private async listFolder(path: string): Promise<readonly DirectoryEntry[]> {
    const real = this.realPath(path)
    this.refuseEscape(real)
    const entries = (await readdir(real, { withFileTypes: true }).catch(absent)) ?? []
    return entries.map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
  }

  private async readFile(path: string, real: string, mostBytes: number): Promise<HostFile | undefined> {
    const file = await this.openFile(path, real)
    if (file === undefined) return undefined
    const { handle, stats } = file
    try {
      return {
        bytes: await readAtMost(handle, { path, size: stats.size, mostBytes }),
        mode: stats.mode & permissionBits,
        uid: stats.uid,
        gid: stats.gid,
      }
    } finally {
      await handle.close()
    }
  }

  private async openFile(path: string, real: string): Promise<{ handle: FileHandle; stats: Stats } | undefined> {
    this.refuseEscape(real)
    // O_NONBLOCK: a FIFO in a folder must not hang the agent.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const handle = await open(real, flags).catch((error: unknown) => {
      if (isCode(error, 'ELOOP')) throw symlinkRefused(path)
      return absent(error)
    })
    if (handle === undefined) return undefined
    const stats = await handle.stat()
    if (stats.isFile()) return { handle, stats }
    await handle.close()
    throw new QuorateError('NOT_IN_TABLE', `${path} is not a regular file`, { where: path })
  }

  private async write(
    path: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options: ReplaceOptions,
  ): Promise<number> {
    const real = this.realPath(path)
    this.refuseEscape(real)
    const label = (temporary: string) => this.keepContext(real, temporary)
    return replaceDurably(real, { ...options, chunks, giveTo: this.giveTo, label }, this.disk)
  }

  /** Only with SELinux; a file system without contexts (NFS homes) gives all its files the same. */
  private async keepContext(real: string, temporary: string, shown = real): Promise<void> {
    if ((await stat(this.realPath('/sys/fs/selinux/enforce')).catch(absent)) === undefined) return
    const { exitCode, stderr } = await this.run(commands.copySecurityContext(real, temporary))
    if (exitCode === 0 || /Operation not supported|ENOTSUP/i.test(stderr)) return
    throw new QuorateError('COMMAND_FAILED', `the security context of ${shown} was not kept: ${stderr.trim()}`, {
      where: shown,
      remedy: `On that node: \`ls -Z ${shown}\`. If its context is wrong, run \`restorecon ${shown}\`, then run the command again.`,
    })
  }

  /** A folder on the path may be a link (`/var/run`), but never one that leads out of a simulated node's folder. */
  private refuseEscape(real: string): void {
    if (this.root === '/') return
    const root = realpathSync.native(this.root)
    for (let folder = dirname(real); folder.length >= this.root.length; folder = dirname(folder)) {
      const seen = endOf(folder)
      if (seen === undefined) continue
      if (seen !== root && !seen.startsWith(root + sep)) throw symlinkRefused(folder)
      return
    }
  }

  /** Absolute links start at the node's own root, which is not the system's for a simulated node. A link that a user can have made is an end. */
  private async followLinks(path: string): Promise<string> {
    let seen = normalize(path)
    for (let links = 0; links < mostLinks; links++) {
      if (isInHome(seen) && !(await this.homes.isOnlyRoots(dirname(seen)))) return this.realPath(seen)
      const target = await readlink(this.realPath(seen)).catch((error: unknown) =>
        isCode(error, 'EINVAL') ? undefined : absent(error),
      )
      if (target === undefined) return this.realPath(seen)
      seen = resolve(dirname(seen), target)
    }
    throw new QuorateError('SYMLINK_REFUSED', `${path} is a chain of more than ${mostLinks} symbolic links`, {
      where: path,
    })
  }
}

function endOf(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch (error) {
    return absent(error)
  }
}

function pathKindOf(seen: Stats): PathKind {
  if (seen.isFile()) return 'file'
  if (seen.isDirectory()) return 'directory'
  if (seen.isSocket()) return 'socket'
  if (seen.isCharacterDevice()) return 'character device'
  return seen.isBlockDevice() ? 'block device' : 'other'
}

/** access(2) returns EROFS even for root. */
async function isReadOnly(real: string): Promise<boolean> {
  return access(real, constants.W_OK).then(
    () => false,
    (error: unknown) => isCode(error, 'EROFS'),
  )
}
