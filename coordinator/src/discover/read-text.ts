import { QuorateError } from '@quorate/shared/errors'
import { readFileAtMost } from '../config/read-file-at-most.js'

/** The largest inventories and kubeconfigs are far below it. */
const mostBytes = 1024 * 1024

const whyNot: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

/** Text of a file, or of a pipe, that the command line names; USAGE where it cannot be read. `what` is what the message calls it. */
export async function readText(path: string, what: string): Promise<string> {
  return readFileAtMost(path, mostBytes).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'FILE_TOO_LARGE')
      throw new QuorateError('USAGE', `the ${what} is larger than ${mostBytes} bytes`, {
        where: path,
        remedy: `This is not a ${what}. Name another file.`,
      })
    const code = cause.code ?? 'UNKNOWN'
    throw new QuorateError('USAGE', `the ${what} cannot be read: ${whyNot[code] ?? code}`, {
      where: path,
      cause,
      remedy: 'Name a file that you can read.',
    })
  })
}
