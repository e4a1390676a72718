import { createReadStream } from 'node:fs'
import { QuorateError } from '@quorate/shared/errors'

/** The largest inventories and kubeconfigs are far below it. */
const mostBytes = 1024 * 1024

const whyNot: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
}

/** Text of a file, or of a pipe, that the command line names; USAGE where it cannot be read. `what` is what the message calls it. */
export async function readText(path: string, what: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of createReadStream(path, { end: mostBytes })) {
      chunks.push(chunk as Buffer)
      bytes += (chunk as Buffer).length
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'UNKNOWN'
    throw new QuorateError('USAGE', `the ${what} cannot be read: ${whyNot[code] ?? code}`, {
      where: path,
      cause,
      remedy: 'Name a file that you can read.',
    })
  }
  if (bytes > mostBytes)
    throw new QuorateError('USAGE', `the ${what} is larger than ${mostBytes} bytes`, {
      where: path,
      remedy: `This is not a ${what}. Name another file.`,
    })
  return Buffer.concat(chunks).toString('utf8')
}
