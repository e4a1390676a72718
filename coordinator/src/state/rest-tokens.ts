import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { isPersonName as isName, type Role, roles } from '@quorate/shared/roles'
import { z } from 'zod'
import { absent, readTokenFile } from './token-file.js'
import { syncFolder } from './write-file.js'

const record = z.strictObject({
  role: z.enum(roles),
  clusters: z.array(z.string()).readonly(),
  createdAt: z.number(),
  expiresAt: z.number(),
  sha256: z.string(),
})

/** A token of REST as it is kept: without the token. */
export interface RestToken {
  /** Lower-case letters, digits, hyphens; at most 40. */
  readonly name: string
  readonly role: Role
  /** Names of the clusters that it is about; empty: all. Only of observers, approvers and auditors. */
  readonly clusters: readonly string[]
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly expiresAt: number
}

/** The tokens of REST, one file each: what is created or revoked counts at the next request. */
export interface RestTokens {
  /** The token, which is kept nowhere; USAGE where the name is taken or invalid. */
  create(wish: Omit<RestToken, 'createdAt'>): Promise<{ readonly token: string; readonly kept: RestToken }>
  /** By name, expired ones too. */
  list(): Promise<readonly RestToken[]>
  /** USAGE where there is none of that name. */
  revoke(name: string): Promise<void>
  /** Whose token this is; undefined for an unknown or revoked one, NOT_AUTHENTICATED for one that has expired. */
  find(token: string): Promise<RestToken | undefined>
}

/** Names the token, so that one file is read to check it; the prefix is for programs that search for leaked secrets. */
const tokenForm = /^quorate_([a-z0-9-]{1,40})_([A-Za-z0-9_-]{43})$/

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

export function restTokens(folder: string, now: () => number = Date.now): RestTokens {
  const pathOf = (name: string) => join(folder, `${name}.json`)
  const read = async (name: string) => {
    const kept = await readTokenFile(pathOf(name), record)
    return kept === undefined ? undefined : { name, ...kept }
  }
  return {
    async create(wish) {
      checkName(wish.name)
      const token = `quorate_${wish.name}_${randomBytes(32).toString('base64url')}`
      const kept = { ...wish, createdAt: now() }
      const { name, ...rest } = kept
      await writeNew(pathOf(name), JSON.stringify({ ...rest, sha256: hashOf(token) }))
      return { token, kept }
    },
    async list() {
      const files = (await readdir(folder).catch(absent)) ?? []
      const names = files.flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []))
      const all = await Promise.all(names.filter(isName).sort().map(read))
      return all.flatMap((one) => (one === undefined ? [] : [withoutHash(one)]))
    },
    async revoke(name) {
      if (!isName(name) || (await read(name)) === undefined)
        throw new QuorateError('USAGE', `there is no token ${name}`, { remedy: '`quorate token list` shows all.' })
      await rm(pathOf(name))
      await syncFolder(folder)
    },
    async find(token) {
      const [, name = ''] = tokenForm.exec(token) ?? []
      const found = isName(name) ? await read(name) : undefined
      if (found === undefined) return undefined
      const [given, kept] = [Buffer.from(hashOf(token)), Buffer.from(found.sha256)]
      if (given.length !== kept.length || !timingSafeEqual(given, kept)) return undefined
      // Only who has the token learns that it was one.
      if (found.expiresAt <= now()) throw expired(found)
      return withoutHash(found)
    },
  }
}

const expired = ({ name, role, expiresAt }: RestToken): QuorateError =>
  new QuorateError('NOT_AUTHENTICATED', `the token ${name} expired on ${new Date(expiresAt).toISOString()}`, {
    remedy: `Create another one: quorate token revoke ${name}; quorate token create ${name} --role ${role}`,
  })

const withoutHash = ({ sha256: _, ...token }: RestToken & { readonly sha256: string }): RestToken => token

function checkName(name: string): void {
  if (!isName(name))
    throw new QuorateError('USAGE', 'the name of a token has lower-case letters, digits and hyphens, at most 40', {
      remedy: 'For instance: quorate token create backup-dashboard',
    })
}

async function writeNew(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new QuorateError('USAGE', 'there is a token of that name', {
      where: path,
      remedy: 'Choose another name, or revoke it first: `quorate token revoke NAME`.',
    })
  })
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(dirname(path))
}
