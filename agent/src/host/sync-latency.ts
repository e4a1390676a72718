import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Disk } from './disk.js'
import { absent } from './durable-file.js'
import type { SyncLatency, SyncWish, WriteRate } from './host.js'

/** The minimum number of records: a single one cannot tell a slow disk from a busy processor. */
const fewest = 3

/** One file for all measurements: what a power cut left is overwritten by the next one. */
const name = '.quorate-disk-probe'

/**
 * Writes records one after the other, each made durable before the next, like etcd's WAL (etcd recommends the same with fio:
 * --rw=write --fdatasync=1 --bs=2300; https://etcd.io/docs/latest/op-guide/hardware/#disks). The file is not unlinked before the writes:
 * btrfs does not log a file without a name, and would appear fast.
 */
export function measureSync(path: string, wish: SyncWish, disk: Disk): Promise<SyncLatency> {
  return inProbe(path, disk, async (handle, folder) => {
    const record = Buffer.alloc(wish.bytes)
    const took: number[] = []
    for (const began = performance.now(); took.length < wish.writes; ) {
      const at = performance.now()
      if (at - began >= wish.limitMs && took.length >= fewest) break
      await handle.writeFile(record)
      await handle.datasync()
      took.push(performance.now() - at)
    }
    return { folder, took }
  })
}

const chunkBytes = 2 ** 20
const mostChunks = 32

/** Writes one file in chunks of 1 MiB, at most 32 and within the limit, and makes it durable once at the end: as etcd stores a received database. */
export function measureWriting(path: string, limitMs: number, disk: Disk): Promise<WriteRate> {
  return inProbe(path, disk, async (handle, folder) => {
    // Not zeros: some file systems do not store those.
    const chunk = randomBytes(chunkBytes)
    const began = performance.now()
    let chunks = 0
    do await handle.writeFile(chunk)
    while (++chunks < mostChunks && performance.now() - began < limitMs)
    await handle.datasync()
    return { folder, bytesPerSecond: Math.round((chunks * chunkBytes * 1_000) / (performance.now() - began)) }
  })
}

type Work<T> = (handle: Pick<FileHandle, 'writeFile' | 'datasync'>, folder: string) => Promise<T>

let before: Promise<unknown> = Promise.resolve()

/** One after the other: they share the file, and two would disturb each other. */
function inProbe<T>(path: string, disk: Disk, work: Work<T>): Promise<T> {
  const own = before.then(() => writeProbe(path, disk, work))
  before = own.catch(() => undefined)
  return own
}

/** A file on the disk that holds or will hold the path; removed afterwards. */
async function writeProbe<T>(path: string, disk: Disk, work: Work<T>): Promise<T> {
  const folder = await folderFor(path, disk)
  const file = join(folder, name)
  await disk.unlink(file).catch(absent)
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const handle = await disk.open(file, flags, 0o600)
  try {
    return await work(handle, folder)
  } finally {
    await handle.close()
    await disk.unlink(file).catch(absent)
  }
}

/** A folder on the same disk that is not etcd's own: the parent, unless the path is a mount point. */
async function folderFor(path: string, disk: Disk): Promise<string> {
  const [own, above] = await Promise.all([disk.lstat(path).catch(absent), disk.lstat(dirname(path)).catch(absent)])
  if (above === undefined) return folderFor(dirname(path), disk)
  return own !== undefined && isMount(own, above) ? path : dirname(path)
}

const isMount = (own: Stats, above: Stats): boolean => own.isDirectory() && own.dev !== above.dev
