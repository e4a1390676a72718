import { randomBytes } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { readAtMost } from '@quorate/shared/read-at-most'
import { syncFolder } from './write-file.js'

/** Fewer characters could be guessed. */
const shortest = 24
const largest = 4096

/** The bearer token of REST from its file, which is made with 256 random bits where there is none. USAGE when others may read it or it is too short. */
export async function readOrMakeToken(path: string): Promise<string> {
  const made = await makeToken(path)
  if (made !== undefined) return made
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw new QuorateError('USAGE', `the token file cannot be read: ${cause.code}`, {
      where: path,
      cause,
      remedy: 'Name one that you may read with --token-file.',
    })
  })
  try {
    const { mode, size } = await file.stat()
    if ((mode & 0o077) !== 0) {
      throw new QuorateError('USAGE', 'others than its owner may read the token file', {
        where: path,
        remedy: `chmod 600 ${path}, and change the token if it may have been read.`,
      })
    }
    const token = (await readAtMost(file, { path, size, mostBytes: largest })).toString('utf8').trim()
    if (token.length < shortest || /[^\x21-\x7e]/.test(token)) {
      throw new QuorateError(
        'USAGE',
        `the token is shorter than ${shortest} characters, or holds others than letters, digits and signs`,
        {
          where: path,
          remedy: 'Remove the file: a good one is made at the next start.',
        },
      )
    }
    return token
  } finally {
    await file.close()
  }
}

/** Makes the file unless it is there. */
async function makeToken(path: string): Promise<string | undefined> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined
    throw new QuorateError('USAGE', `the token file cannot be made: ${error.code}`, {
      where: path,
      cause: error,
      remedy: 'Name another place with --token-file.',
    })
  })
  if (file === undefined) return undefined
  const token = randomBytes(32).toString('base64url')
  try {
    await file.writeFile(`${token}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(dirname(path))
  return token
}
