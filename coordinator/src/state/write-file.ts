import { open, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Replaces or makes a file so that after a power-cut there is the old one or the new one: temporary file, fsync, rename, fsync of the folder. */
export async function writeDurably(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
  const file = await open(temporary, 'w', mode)
  try {
    await file.chmod(mode) // an older temporary file keeps the mode it was made with
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** fsync of a folder: the names in it survive a power-cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}
