import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Disk, systemDisk } from './disk.js'
import { makeFolder, openNew, syncFolder, temporaryBeside } from './durable-file.js'

/** A complete line and its offset in the file, in bytes. */
export interface FileLine {
  readonly text: string
  readonly offset: number
}

/** A file of lines that is only appended to, or replaced as a whole. Calls must not overlap. */
export interface AppendFile {
  /** The complete lines found when it was opened; returned once, so that they need not stay in memory. */
  takeLines(): readonly FileLine[]
  /** Bytes that are on the disk. */
  size(): number
  /** Resolves when the line is on the disk; a partly written line is removed. */
  append(line: string): Promise<void>
  /** Replaces the lines with the result of `edit`: after a power cut the file is either the old or the new one, complete. */
  rewrite(edit: (lines: readonly FileLine[]) => readonly string[]): Promise<void>
  close(): Promise<void>
}

const openFlags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW

/** Opens or makes the file (0600). A last line that a power cut left without its end is removed: it was never confirmed. */
export async function openAppendFile(path: string, disk: Disk = systemDisk): Promise<AppendFile> {
  await makeFolder(dirname(path), 0o600, disk)
  const handle = await disk.open(path, openFlags, 0o600)
  const bytes = await handle.readFile()
  const size = bytes.lastIndexOf('\n') + 1
  if (size < bytes.length) await cutTo(handle, size)
  await syncFolder(dirname(path), disk)
  return new DurableLines({ path, disk, handle, bytes: bytes.subarray(0, size) })
}

class DurableLines implements AppendFile {
  private opened: readonly FileLine[]
  private readonly path: string
  private readonly disk: Disk
  private handle: FileHandle
  private confirmed: number
  /** Must succeed before the next write: after a failure it is unknown what the disk holds beyond the confirmed lines. */
  private mend: (() => Promise<void>) | undefined

  constructor(opened: { path: string; disk: Disk; handle: FileHandle; bytes: Buffer }) {
    this.path = opened.path
    this.disk = opened.disk
    this.handle = opened.handle
    this.confirmed = opened.bytes.length
    this.opened = split(opened.bytes)
  }

  takeLines(): readonly FileLine[] {
    const lines = this.opened
    this.opened = []
    return lines
  }

  size(): number {
    return this.confirmed
  }

  async append(line: string): Promise<void> {
    await this.mendFirst()
    const written = Buffer.from(`${line}\n`)
    try {
      await this.handle.writeFile(written)
      await this.handle.datasync()
      this.confirmed += written.length
    } catch (error) {
      this.mend = () => cutTo(this.handle, this.confirmed)
      await this.mendFirst().catch(() => {})
      throw error
    }
  }

  async rewrite(edit: (lines: readonly FileLine[]) => readonly string[]): Promise<void> {
    await this.mendFirst()
    const lines = split((await this.read()).subarray(0, this.confirmed))
    const bytes = Buffer.from(
      edit(lines)
        .map((line) => `${line}\n`)
        .join(''),
    )
    const temporary = temporaryBeside(this.path)
    const fresh = await openNew(temporary, this.disk, constants.O_APPEND)
    try {
      await fresh.writeFile(bytes)
      await fresh.sync()
      await this.disk.rename(temporary, this.path)
    } catch (error) {
      await fresh.close().catch(() => {})
      await this.disk.unlink(temporary).catch(() => {})
      throw error
    }
    await this.handle.close().catch(() => {})
    this.handle = fresh
    this.confirmed = bytes.length
    // Until the folder is on the disk, a power cut could restore the old file, without the lines appended to the new one.
    this.mend = () => syncFolder(dirname(this.path), this.disk)
    await this.mendFirst()
  }

  close(): Promise<void> {
    return this.handle.close()
  }

  private async read(): Promise<Buffer> {
    const handle = await this.disk.open(this.path, constants.O_RDONLY | constants.O_NOFOLLOW)
    return handle.readFile().finally(() => handle.close())
  }

  private async mendFirst(): Promise<void> {
    await this.mend?.()
    this.mend = undefined
  }
}

function split(bytes: Buffer): FileLine[] {
  const lines: FileLine[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const end = bytes.indexOf('\n', offset)
    lines.push({ text: bytes.toString('utf8', offset, end), offset })
    offset = end + 1
  }
  return lines
}

async function cutTo(handle: FileHandle, size: number): Promise<void> {
  await handle.truncate(size)
  await handle.sync()
}
