import { closeSync, constants, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Disk, systemDisk } from '../../agent/src/host/disk.js'

export type DiskCall = 'open' | 'write' | 'sync' | 'truncate' | 'rename' | 'unlink' | 'sync-folder'

const words: Record<string, [errno: number, text: string]> = {
  ENOSPC: [-28, 'no space left on device'],
  EROFS: [-30, 'read-only file system'],
  EIO: [-5, 'i/o error'],
}

function systemError(code: string, syscall: string, path: string): NodeJS.ErrnoException {
  const [errno = 0, text = ''] = words[code] ?? []
  return Object.assign(new Error(`${code}: ${text}, ${syscall} '${path}'`), { code, errno, syscall, path })
}

interface Fault {
  readonly call: DiskCall
  readonly code: string
  readonly of: RegExp
}

/**
 * The system's disk, with its calls written down in their order, with faults by wish, and with a memory of its own of what a power cut
 * would leave: a file's bytes as of its last fsync, under the names that its folder's last fsync saw.
 */
export class FaultyDisk implements Disk {
  readonly calls: string[] = []
  private readonly bytes = new Map<number, Buffer>()
  private readonly names = new Map<string, Map<string, number>>()
  private faults: Fault[] = []

  /** From now on that call fails for paths like these. */
  fail(call: DiskCall, code: string, of = /./): void {
    this.faults.push({ call, code, of })
  }

  heal(): void {
    this.faults = []
  }

  /** What the file would hold after a power cut now; undefined when there would be none. */
  afterPowerCut(path: string): string | undefined {
    const inode = this.names.get(dirname(path))?.get(basename(path))
    return inode === undefined ? undefined : (this.bytes.get(inode) ?? Buffer.alloc(0)).toString('utf8')
  }

  readonly open = (async (path: string, flags: number, mode: number) => {
    this.meet('open', path)
    const handle = await systemDisk.open(path, flags, mode)
    return (await handle.stat()).isDirectory() ? this.folder(path, handle) : this.file(path, handle)
  }) as Disk['open']

  readonly rename = (async (from: string, to: string) => {
    this.meet('rename', to)
    await systemDisk.rename(from, to)
  }) as Disk['rename']

  readonly unlink = (async (path: string) => {
    this.meet('unlink', path)
    await systemDisk.unlink(path)
  }) as Disk['unlink']

  readonly mkdir = systemDisk.mkdir
  readonly chmod = systemDisk.chmod
  readonly lstat = systemDisk.lstat

  private meet(call: DiskCall, path: string): void {
    this.calls.push(`${call} ${basename(path).replace(/\.quorate-[0-9a-f]{8}$/, '.quorate-*')}`)
    const fault = this.faults.find((one) => one.call === call && one.of.test(path))
    if (fault !== undefined) throw systemError(fault.code, call, path)
  }

  private folder(path: string, handle: FileHandle): FileHandle {
    return over(handle, {
      sync: async () => {
        this.meet('sync-folder', path)
        await handle.sync()
        const files = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile())
        this.names.set(path, new Map(files.map(({ name }) => [name, statSync(join(path, name)).ino])))
      },
    })
  }

  private file(path: string, handle: FileHandle): FileHandle {
    const synced = (real: () => Promise<void>) => async () => {
      this.meet('sync', path)
      await real()
      this.bytes.set((await handle.stat()).ino, contentsOf(handle))
    }
    return over(handle, {
      writeFile: async (data: Uint8Array) => {
        const half = this.faults.some(({ call, of }) => call === 'write' && of.test(path))
        // A full disk takes a part before it says so.
        if (half) await handle.writeFile(data.subarray(0, Math.floor(data.length / 2)))
        this.meet('write', path)
        await handle.writeFile(data)
      },
      truncate: async (size: number) => {
        this.meet('truncate', path)
        await handle.truncate(size)
      },
      sync: synced(() => handle.sync()),
      datasync: synced(() => handle.datasync()),
    })
  }
}

function contentsOf(handle: FileHandle): Buffer {
  const again = openSync(`/proc/self/fd/${handle.fd}`, constants.O_RDONLY)
  try {
    return readFileSync(again)
  } finally {
    closeSync(again)
  }
}

/** A file handle with some of its methods replaced; the others must be called on the handle itself. */
function over(handle: FileHandle, methods: object): FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      const own = Reflect.get(methods, name)
      if (own !== undefined) return own
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
