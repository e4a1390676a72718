import { open } from 'node:fs/promises'
import { readAtMost } from '@quorate/shared/read-at-most'

/** The text of a file that this program did not write itself; FILE_TOO_LARGE, and errors of the system as they are. A pipe has no size and is read to its end. */
export async function readFileAtMost(path: string, mostBytes: number): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    return (await readAtMost(file, { path, size, mostBytes })).toString('utf8')
  } finally {
    await file.close()
  }
}
