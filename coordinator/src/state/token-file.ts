import { readFile } from 'node:fs/promises'
import { QuorateError } from '@quorate/shared/errors'
import type { z } from 'zod'

/** A token as it is kept; undefined where there is none, USAGE where the file is no token. */
export async function readTokenFile<Kept extends z.ZodType>(
  path: string,
  kept: Kept,
): Promise<z.output<Kept> | undefined> {
  const text = await readFile(path, 'utf8').catch(absent)
  if (text === undefined) return undefined
  try {
    return kept.parse(JSON.parse(text))
  } catch (cause) {
    throw new QuorateError('USAGE', 'the file of a token cannot be read', {
      where: path,
      cause,
      remedy: 'Remove the file: that revokes the token. Then create another one.',
    })
  }
}

/** For a file or folder that need not be there. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
