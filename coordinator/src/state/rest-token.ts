import { randomBytes } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'

/** Where `quorate serve` keeps its bearer token unless told otherwise. */
export const restTokenPath = (stateFolder: string): string => join(stateFolder, 'rest', 'token')

/** The bearer token in a file; made, 256 random bits and mode 0600, when there is none. USAGE when others may read it or it is too short to be one. */
export async function readOrMakeToken(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFile(path, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) {
    throw new QuorateError('USAGE', 'the token file can be read by others', {
      where: path,
      remedy: `chmod 600 ${path}`,
    })
  }
  const token = (await readFile(path, 'utf8')).trim()
  if (token.length >= 32) return token
  throw new QuorateError('USAGE', 'the token has fewer than 32 characters', {
    where: path,
    remedy: `Remove ${path}: a new one is made at the next start.`,
  })
}
