import { randomBytes } from 'node:crypto'
import { link, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type DeniedKey, fleetOf, type OpenedDenyList, openDenyList, signDenyList } from '@quorate/shared/deny-list'
import { readIssuer } from './issuer.js'
import type { StatePaths } from './paths.js'
import { syncFolder, writeDurably } from './write-file.js'

/** A list with the text that nodes are given. */
export interface SignedDenyList extends OpenedDenyList {
  readonly document: string
}

/** The lists of revoked keys of a state folder: one file each, which never changes; the highest number counts. */
export interface DenyLists {
  /** Undefined where nothing was revoked. */
  newest(): Promise<SignedDenyList | undefined>
  /** Takes over a newer list, such as one that a node has when the state folder was restored from a backup. DENY_LIST_REFUSED. */
  adopt(document: string): Promise<void>
  /** Signs a list with these keys too. See `readIssuer` for its errors. */
  deny(keys: readonly Pick<DeniedKey, 'sha256' | 'whose'>[]): Promise<SignedDenyList>
}

const nameOf = (number: number): string => `${number}.signed`

export function denyListsOf(paths: StatePaths, ca: () => string): DenyLists {
  const folder = paths.denyLists
  let known: SignedDenyList | undefined
  const open = (document: string): SignedDenyList => ({ ...openDenyList(document, ca()), document })
  const newest = async () => {
    const numbers = (await readdir(folder).catch(absent)).flatMap((name) => numberIn(name))
    const highest = Math.max(0, ...numbers)
    if (highest > 0 && known?.number !== highest) known = open(await readFile(join(folder, nameOf(highest)), 'utf8'))
    return known
  }
  const write = async (document: string): Promise<SignedDenyList> => {
    const list = open(document)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const prepared = join(folder, `.${randomBytes(6).toString('hex')}`)
    try {
      await writeDurably(prepared, document, 0o600)
      // Fails where another process has just made this number: neither may replace the other's.
      await link(prepared, join(folder, nameOf(list.number)))
      await syncFolder(folder)
    } finally {
      await rm(prepared, { force: true })
    }
    return list
  }
  return {
    newest,
    async adopt(document) {
      if (open(document).number > ((await newest())?.number ?? 0)) await write(document).catch(madeByAnother)
    },
    async deny(keys) {
      const issuer = await readIssuer(paths)
      for (;;) {
        const before = await newest()
        const deniedAt = Date.now()
        const denied = [...(before?.denied ?? []), ...keys.map(({ sha256, whose }) => ({ sha256, whose, deniedAt }))]
        const list = { number: (before?.number ?? 0) + 1, fleet: fleetOf(issuer.rootsPem), denied }
        const written = await write(signDenyList(list, issuer)).catch(madeByAnother)
        if (written !== undefined) return written
      }
    },
  }
}

const numberIn = (name: string): readonly number[] => {
  const [, number] = /^([1-9]\d{0,14})\.signed$/.exec(name) ?? []
  return number === undefined ? [] : [Number(number)]
}

function absent(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}

function madeByAnother(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EEXIST') throw error
}
