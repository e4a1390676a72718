import { type FileHandle, open } from 'node:fs/promises'

/** An append-only file. */
export interface AppendedFile {
  append(text: string): Promise<void>
  /** Resolves when all appended text survives a power cut. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** The file system operations of a journal; a test replaces them to watch the order of writing and sending. */
export interface JournalDoor {
  /** Fails when the file exists. */
  create(path: string): Promise<AppendedFile>
  /** Truncates an existing file to `bytes` and appends from there. */
  reopen(path: string, bytes: number): Promise<AppendedFile>
  syncFolder(path: string): Promise<void>
}

export const fileDoor: JournalDoor = {
  create: async (path) => appended(await open(path, 'ax', 0o600)),
  async reopen(path, bytes) {
    const file = await open(path, 'r+')
    await file.truncate(bytes).finally(() => file.close())
    return appended(await open(path, 'a'))
  },
  async syncFolder(path) {
    const folder = await open(path, 'r')
    await folder.sync().finally(() => folder.close())
  },
}

const appended = (file: FileHandle): AppendedFile => ({
  append: (text) => file.appendFile(text),
  sync: () => file.datasync(),
  close: () => file.close(),
})
