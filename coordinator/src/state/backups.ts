import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { QuorateError } from '@quorate/shared/errors'
import { Decrypter } from 'age-encryption'
import { deletedOn, noteDeleted } from './deleted-backups.js'
import { openArchive } from './open-archive.js'
import type { StatePaths } from './paths.js'

export type BackupKind = 'etcd' | 'files'

/** One encrypted piece of a run's backup in the state folder. */
export interface KeptBackup {
  readonly run: string
  readonly node: string
  readonly kind: BackupKind
  readonly path: string
  /** Of the ciphertext. */
  readonly bytes: number
  readonly modifiedAt: number
}

/** What opening a backup showed. */
export interface OpenedBackup {
  /** sha256 of the ciphertext, hex. */
  readonly sha256: string
  /** Of what was inside. */
  readonly plainBytes: number
  /** Files in it; 1 for a snapshot. */
  readonly files: number
}

/** The state folder's backups: ciphertext that only the operator's identity opens. */
export interface BackupStore {
  list(): Promise<readonly KeptBackup[]>
  /** BACKUP_MISSING. */
  find(run: string, node: string, kind: BackupKind): Promise<KeptBackup>
  /** Decrypts it, looks at what is inside (etcd's own hash, every file's), keeps nothing. BACKUP_DAMAGED. */
  verify(backup: KeptBackup): Promise<OpenedBackup>
  /** Writes what is inside into an empty folder, for its owner alone. Answers the paths. */
  restore(backup: KeptBackup, to: string): Promise<readonly string[]>
  /** Nodes whose own backups of a run were deleted; undefined where no deletion was begun. */
  deletedOn(run: string): Promise<readonly string[] | undefined>
  noteDeleted(run: string, nodes: readonly string[]): Promise<void>
}

export function backupStore(paths: StatePaths): BackupStore {
  const list = () => listBackups(paths.backups)
  return {
    list,
    async find(run, node, kind) {
      const found = (await list()).find((one) => one.run === run && one.node === node && one.kind === kind)
      if (found !== undefined) return found
      throw new QuorateError('BACKUP_MISSING', `there is no backup ${kind} of ${node} in run ${run}`, {
        where: join(paths.backups, run),
        remedy: '`quorate backup list` shows what is there.',
      })
    },
    verify: (backup) => verify(paths, backup),
    restore: (backup, to) => restore(paths, backup, to),
    deletedOn: (run) => deletedOn(paths, run),
    noteDeleted: (run, nodes) => noteDeleted(paths, run, nodes),
  }
}

async function listBackups(folder: string): Promise<readonly KeptBackup[]> {
  const runs = await readdir(folder).catch(() => [])
  const found = await Promise.all(
    runs.sort().map(async (run) => {
      const names = await readdir(join(folder, run)).catch(() => [])
      return Promise.all(names.sort().map((name) => pieceOf(folder, run, name)))
    }),
  )
  return found.flat().filter((one) => one !== undefined)
}

async function pieceOf(folder: string, run: string, name: string): Promise<KeptBackup | undefined> {
  const [, node, kind] = /^(.+)-(etcd|files)\.age$/.exec(name) ?? []
  if (node === undefined || kind === undefined) return undefined
  const path = join(folder, run, name)
  const { size, mtimeMs } = await stat(path)
  return { run, node, kind: kind as BackupKind, path, bytes: size, modifiedAt: mtimeMs }
}

/** A backup's content as it is decrypted, never more than a chunk of it in memory; `sha256` once it was read to its end. */
async function decrypt(paths: StatePaths, { path }: KeptBackup) {
  const identity = (
    await readFile(paths.backupIdentity, 'utf8').catch((cause: unknown) => {
      throw new QuorateError('BACKUP_MISSING', 'the key that opens the backups is not here', {
        where: paths.backupIdentity,
        cause,
        remedy: 'Put the operator\u2019s identity there: `quorate init` wrote it, and it should be kept elsewhere too.',
      })
    })
  ).trim()
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  const hash = createHash('sha256')
  const file = createReadStream(path)
  async function* watched() {
    for await (const chunk of file) {
      hash.update(chunk as Buffer)
      yield new Uint8Array(chunk as Buffer)
    }
  }
  const stream = await decrypter
    .decrypt(Readable.toWeb(Readable.from(watched())) as ReadableStream<Uint8Array>)
    .catch((cause: unknown) => {
      throw damaged(path, 'it cannot be opened with the operator\u2019s identity', cause)
    })
  async function* plain(): AsyncIterable<Uint8Array> {
    try {
      for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) yield chunk
    } catch (cause) {
      throw damaged(path, 'its ciphertext was changed or cut off', cause)
    }
  }
  return { plain: plain(), sha256: () => hash.digest('hex') }
}

async function verify(paths: StatePaths, backup: KeptBackup): Promise<OpenedBackup> {
  const { plain, sha256 } = await decrypt(paths, backup)
  if (backup.kind === 'files') {
    const archive = await gather(plain)
    const files = checkFiles(backup.path, archive)
    return { sha256: sha256(), plainBytes: archive.length, files }
  }
  const plainBytes = await checkSnapshot(backup.path, plain)
  return { sha256: sha256(), plainBytes, files: 1 }
}

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

interface Index {
  readonly entries: readonly {
    readonly kind: 'file' | 'object' | 'absent'
    readonly name: string
    readonly sha256?: string
  }[]
}

/** Every entry of the index is there with its hash. Answers how many. */
function checkFiles(path: string, archive: Buffer): number {
  const files = new Map(openArchive(archive).map((file) => [file.path, file.bytes]))
  const index = files.get('index.json')
  if (index === undefined) throw damaged(path, 'it has no index')
  const { entries } = JSON.parse(index.toString('utf8')) as Index
  const kept = entries.filter(({ kind }) => kind !== 'absent')
  for (const { kind, name, sha256 } of kept) {
    const bytes = files.get(kind === 'file' ? `files${name}` : `objects/${name.replaceAll('/', '_')}`)
    if (bytes === undefined) throw damaged(path, `${name} is not in it`)
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw damaged(path, `${name} has another sha256 than its index says`)
  }
  return kept.length
}

const hashBytes = 32

/** etcd's Snapshot call ends with the sha256 of all before it (etcd, server/etcdserver/api/v3rpc/maintenance.go). Answers its size. */
async function checkSnapshot(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const hash = createHash('sha256')
  let [tail, size] = [Buffer.alloc(0), 0]
  for await (const chunk of chunks) {
    size += chunk.length
    const held = Buffer.concat([tail, chunk])
    const settled = Math.max(0, held.length - hashBytes)
    hash.update(held.subarray(0, settled))
    tail = Buffer.from(held.subarray(settled))
  }
  if (size <= hashBytes || (size - hashBytes) % 512 !== 0)
    throw damaged(path, `${size} bytes are not a snapshot and its hash`)
  if (!hash.digest().equals(tail)) throw damaged(path, 'its sha256 is not the one that etcd sent with it')
  return size
}

async function restore(paths: StatePaths, backup: KeptBackup, to: string): Promise<readonly string[]> {
  await verify(paths, backup) // a damaged one leaves no file behind that somebody could take for a good one
  await mkdir(to, { recursive: true, mode: 0o700 })
  if ((await readdir(to)).length > 0) {
    throw new QuorateError('USAGE', 'the folder is not empty: nothing is written over', {
      where: to,
      remedy: 'Name an empty folder with --to.',
    })
  }
  const { plain } = await decrypt(paths, backup)
  if (backup.kind === 'files') return writeFiles(to, await gather(plain))
  const path = join(to, 'etcd.snapshot')
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of plain) await file.appendFile(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
  return [path]
}

async function writeFiles(to: string, archive: Buffer): Promise<readonly string[]> {
  const written: string[] = []
  for (const { path, bytes } of openArchive(archive)) {
    const target = join(to, path)
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await writeFile(target, bytes, { mode: 0o600, flag: 'wx' })
    written.push(target)
  }
  return written
}

const damaged = (where: string, why: string, cause?: unknown): QuorateError =>
  new QuorateError('BACKUP_DAMAGED', why, { where, cause })
