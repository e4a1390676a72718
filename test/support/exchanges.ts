import { execFileSync } from 'node:child_process'
import { chownSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Disk, systemDisk } from '../../agent/src/host/disk.js'
import type { Host } from '../../agent/src/host/host.js'

/** Changes of owner need root; without it all is one user's. */
export const isRoot = process.getuid?.() === 0
export const [eve, mallory] = [65534, 65533]

const fifo = ['mkfifo'] as const
/** Node has no call for it. */
export const makeFifo = (path: string): void => void execFileSync(fifo[0], [path])

type DiskCall = 'open' | 'rename' | 'lstat'
type HostCall = 'read' | 'replace' | 'list' | 'remove'

/** Another process acts right before that system call: once, at the first path that fits. */
export class ExchangingDisk implements Disk {
  private readonly waiting: { call: DiskCall; of: RegExp; act: (path: string) => void }[] = []

  before(call: DiskCall, of: RegExp, act: (path: string) => void): void {
    this.waiting.push({ call, of, act })
  }

  get allMet(): boolean {
    return this.waiting.length === 0
  }

  private meet(call: DiskCall, path: string): void {
    const at = this.waiting.findIndex((one) => one.call === call && one.of.test(path))
    for (const { act } of at < 0 ? [] : this.waiting.splice(at, 1)) act(path)
  }

  readonly open = (async (path: string, flags: number, mode: number) => {
    this.meet('open', path)
    return systemDisk.open(path, flags, mode)
  }) as Disk['open']

  readonly rename = (async (from: string, to: string) => {
    this.meet('rename', from)
    await systemDisk.rename(from, to)
  }) as Disk['rename']

  readonly lstat = (async (path: string) => {
    this.meet('lstat', path)
    return systemDisk.lstat(path)
  }) as Disk['lstat']

  readonly unlink = systemDisk.unlink
  readonly mkdir = systemDisk.mkdir
  readonly chmod = systemDisk.chmod
}

/** A host between whose calls another process acts: before or after the first such call for that path. */
export function exchanging(
  host: Host,
  acts: readonly { when: 'before' | 'after'; call: HostCall; path: string; act: () => void }[],
): Host {
  const waiting = [...acts]
  const meet = (when: string, call: string, path: string): void => {
    const at = waiting.findIndex((one) => one.when === when && one.call === call && one.path === path)
    for (const { act } of at < 0 ? [] : waiting.splice(at, 1)) act()
  }
  const watched =
    (call: HostCall) =>
    async (path: string, ...rest: never[]) => {
      meet('before', call, path)
      try {
        return await (host[call] as (...all: unknown[]) => Promise<unknown>).call(host, path, ...rest)
      } finally {
        meet('after', call, path)
      }
    }
  const calls = ['read', 'replace', 'list', 'remove'] as const
  return Object.assign(Object.create(host), Object.fromEntries(calls.map((call) => [call, watched(call)])))
}

/** A user's folder and file in the home of eve, below a node's root. */
export class Home {
  readonly folder: string
  readonly config: string
  private readonly root: string

  constructor(root: string) {
    this.root = root
    this.folder = join(root, 'home/eve/.kube')
    this.config = join(this.folder, 'config')
  }

  /** Writes a file, with folders that are its owner's. */
  put(path: string, text: string, { uid = 0, mode = 0o600 } = {}): void {
    const full = join(this.root, path)
    const made = mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, text, { mode })
    if (!isRoot) return
    chownSync(full, uid, uid)
    if (made !== undefined)
      for (let at = dirname(full); at.length >= made.length; at = dirname(at)) chownSync(at, uid, uid)
    chownSync(join(this.root, 'home'), 0, 0)
  }

  /** The folder becomes a link to root's: relative, as it works below any root. */
  linkFolder = (): void => {
    renameSync(this.folder, `${this.folder}-own`)
    symlinkSync('../../root/.kube', this.folder)
  }

  /** Again the user's own folder, if it was exchanged. */
  unlinkFolder = (): void => {
    if (!lstatSync(this.folder).isSymbolicLink()) return
    rmSync(this.folder)
    renameSync(`${this.folder}-own`, this.folder)
  }

  linkFile = (): void => {
    rmSync(this.config)
    symlinkSync('../../../root/.kube/config', this.config)
  }
}
