import { link, rename, rm, unlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { QuorateError } from '@quorate/shared/errors'
import { sha256Hex } from '@quorate/shared/hash'
import { isCode, syncFolder, temporaryBeside } from './durable-file.js'

/** Gives a file another name as well, in place of what has that name now: after a power cut there is the old one or this one, whatever its size. Both names on one file system. */
export async function linkInto(from: string, to: string): Promise<void> {
  const temporary = temporaryBeside(to)
  await link(from, temporary)
  await rename(temporary, to)
  // Of two names of one file, rename removes none.
  await unlink(temporary).catch((error: unknown) => {
    if (!isCode(error, 'ENOENT')) throw error
  })
  await syncFolder(dirname(to))
}

/** Moves a folder to a place whose folder, if there is one, goes first. */
export async function moveFolder(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await rename(from, to)
  await syncFolder(dirname(to))
}

/**
 * Does work that only one process on this machine may do at a time. The name is an abstract socket (unix(7)): the kernel gives it back when its
 * holder ends, however it ends. NODE_BUSY where another has it for too long.
 */
export async function onlyOne<T>(name: string, patienceMs: number, work: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(200)) {
    const release = await hold(abstractName(name))
    if (release !== undefined) return work().finally(release)
    if (Date.now() > deadline) throw new QuorateError('NODE_BUSY', 'another installation is running on this node')
  }
}

/** An abstract name has at most 107 bytes (unix(7)). */
const longestName = 100
const abstractName = (name: string): string => `\0${Buffer.byteLength(name) <= longestName ? name : sha256Hex(name)}`

function hold(path: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error) => (isCode(error, 'EADDRINUSE') ? resolve(undefined) : reject(error)))
    server.listen({ path }, () => resolve(() => server.close()))
  })
}
