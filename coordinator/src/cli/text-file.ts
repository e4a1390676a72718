import { QuorateError } from '@quorate/shared/errors'
import { readFileAtMost } from '../config/read-file-at-most.js'

/** The plan of a large cluster as a document is a few MiB. */
const largest = 64 * 1024 * 1024

/** Text of a file that the operator named; USAGE where it cannot be read. */
export const readText = (path: string): Promise<string> =>
  readFileAtMost(path, largest).catch((cause: NodeJS.ErrnoException) => {
    throw new QuorateError('USAGE', `the file cannot be read: ${cause.code}`, { where: path, cause })
  })
