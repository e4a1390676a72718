import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder, syncFolder } from './durable-file.js'

/** A file of lines that only ever grows. */
export interface AppendFile {
  /** The complete lines that were there when it was opened. */
  readonly lines: readonly string[]
  /** Resolves when the line is on the disk; a line that could not be written whole is taken back. Calls must not overlap. */
  append(line: string): Promise<void>
  close(): Promise<void>
}

/** Opens or makes the file (0600). What a power cut left of a last line without its end is cut off: it was never confirmed to anybody. */
export async function openAppendFile(path: string): Promise<AppendFile> {
  await makeFolder(dirname(path), 0o600)
  const handle = await open(
    path,
    constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW,
    0o600,
  )
  const bytes = await handle.readFile()
  let size = bytes.lastIndexOf('\n') + 1
  if (size < bytes.length) await cutTo(handle, size)
  await syncFolder(dirname(path))
  return {
    lines: bytes.subarray(0, size).toString('utf8').split('\n').slice(0, -1),
    append: async (line) => {
      const written = Buffer.from(`${line}\n`)
      try {
        await handle.writeFile(written)
        await handle.datasync()
        size += written.length
      } catch (error) {
        await cutTo(handle, size)
        throw error
      }
    },
    close: () => handle.close(),
  }
}

async function cutTo(handle: FileHandle, size: number): Promise<void> {
  await handle.truncate(size)
  await handle.sync()
}
