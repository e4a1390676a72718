import { readFile } from 'node:fs/promises'
import { QuorateError } from '@quorate/shared/errors'

/** Text of a file that the operator named; USAGE where it cannot be read. */
export const readText = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new QuorateError('USAGE', `the file cannot be read: ${cause.code}`, { where: path, cause })
  })
