import { open } from 'node:fs/promises'
import { isIP } from 'node:net'
import { QuorateError } from '@quorate/shared/errors'
import { isDnsName } from '@quorate/shared/names'
import { readAtMost } from '@quorate/shared/read-at-most'

/** A token has at most 400 characters. */
const mostBytes = 4096
/** Of `quorate serve --enroll-listen` in every example. */
const usualPort = 7447

/** HOST or HOST:PORT of a coordinator; USAGE for anything else. */
export function parseCoordinator(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text)
  const [host, port] = [match?.[1] ?? match?.[2] ?? '', Number(match?.[3] ?? usualPort)]
  const isHost = match?.[1] === undefined ? isIP(host) === 4 || isDnsName(host) : isIP(host) === 6
  if (isHost && port >= 1 && port <= 65535) return { host, port }
  throw new QuorateError('USAGE', `${JSON.stringify(text)} is not ADDRESS or ADDRESS:PORT`, {
    remedy: 'Use the address of `quorate serve --enroll-listen`, such as 192.168.13.10:7447 or [fd00::10]:7447.',
  })
}

/** The text of a file, or of standard input for `-`; USAGE where there is none. */
export async function readToken(path: string): Promise<string> {
  if (path === '-') return readInput()
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw new QuorateError('USAGE', `the file with the token cannot be read: ${cause.message}`, { where: path, cause })
  })
  try {
    return (await readAtMost(file, { path, size: 0, mostBytes })).toString('utf8')
  } finally {
    await file.close()
  }
}

async function readInput(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin) {
    text += String(chunk)
    if (text.length > mostBytes) break
  }
  return text
}
