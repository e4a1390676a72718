import { randomUUID, timingSafeEqual } from 'node:crypto'
import { link, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { requireOffered } from '@quorate/shared/identity-offer'
import { isDnsName, parseNodeName } from '@quorate/shared/names'
import { hashOfSecret, makeNodeToken, nodeTokenText } from '@quorate/shared/node-token'
import { z } from 'zod'
import type { EnrolledNode } from '../config/enrolled-node.js'
import type { Enrolment } from './enrolment.js'
import { issuingRoot } from './issuer.js'
import type { StatePaths } from './paths.js'
import type { Renewals } from './renewals.js'
import { absent, readTokenFile } from './token-file.js'
import { syncFolder, writeDurably } from './write-file.js'

const record = z.strictObject({
  agent: z.string(),
  createdAt: z.number(),
  expiresAt: z.number(),
  sha256: z.string(),
})

/** A token as it is kept: without its secret. */
export interface KeptNodeToken extends Pick<EnrolledNode, 'agent'> {
  readonly node: string
  /** Unix milliseconds. */
  readonly createdAt: number
  readonly expiresAt: number
  /** A key has used it: it is for no other one. */
  readonly used: boolean
}

/** What a node sends with its token: its key, and that it has it (identity-offer.ts). */
export interface NodeOffer {
  readonly node: string
  readonly secret: string
  readonly publicKeyPem: string
  readonly signature: Uint8Array
}

/** What belongs into /etc/quorate of the node, beside its key. */
export type NodeFiles = Readonly<Record<'node.crt' | 'fleet-ca.crt' | 'agent.yaml', string>>

/** One-time tokens with which nodes join the fleet, each for one name and for the first key that uses it. */
export interface NodeTokens {
  /** The token's text, which is kept nowhere. An earlier one of that node ends. */
  create(wish: Omit<KeptNodeToken, 'createdAt' | 'used'>): Promise<string>
  list(): Promise<readonly KeptNodeToken[]>
  /** USAGE where the node has none. */
  revoke(node: string): Promise<void>
  /**
   * Issues the node's certificate and records the node. The same key may ask again and gets the same certificate, so that a node which died before it
   * had written its files is not stranded. NOT_AUTHENTICATED for a wrong, unknown or expired token, ACCESS_DENIED for another key.
   */
  redeem(offer: NodeOffer): Promise<NodeFiles>
}

interface Means {
  readonly enrolment: Enrolment
  readonly renewals: Renewals
  readonly now?: () => number
}

export function nodeTokens(paths: StatePaths, { enrolment, renewals, now = Date.now }: Means): NodeTokens {
  const folder = paths.nodeTokens
  const fileOf = (node: string, kind: Kind) => join(folder, `${node}.${kind}`)
  const read = (node: string) => readTokenFile(fileOf(node, 'json'), record)
  const forget = async (node: string) => {
    // The token first: without it nothing else counts.
    for (const kind of kinds) await rm(fileOf(node, kind), { force: true })
    await syncFolder(folder)
  }
  return {
    async create({ node, agent, expiresAt }) {
      const token = makeNodeToken(node, await issuingRoot(paths))
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await forget(node)
      const kept = { agent, createdAt: now(), expiresAt, sha256: hashOfSecret(token.secret) }
      await writeDurably(fileOf(node, 'json'), JSON.stringify(kept), 0o600)
      return nodeTokenText(token)
    },
    async list() {
      const names = ((await readdir(folder).catch(absent)) ?? []).filter((name) => name.endsWith('.json')).sort()
      const all = await Promise.all(
        names.map(async (name) => {
          const node = name.slice(0, -'.json'.length)
          const kept = await read(node)
          const used = (await readText(fileOf(node, 'key'))) !== undefined
          return kept === undefined ? [] : [{ node, used, ...withoutHash(kept) }]
        }),
      )
      return all.flat()
    },
    async revoke(node) {
      if (!isDnsName(node) || (await read(node)) === undefined)
        throw new QuorateError('USAGE', `there is no token for a node ${node}`, {
          remedy: '`quorate token list` shows all.',
        })
      await forget(node)
    },
    redeem: (offer) => redeem(offer, { fileOf, read, ...{ enrolment, renewals, now } }),
  }
}

interface Redeeming extends Required<Means> {
  readonly fileOf: (node: string, kind: Kind) => string
  readonly read: (node: string) => Promise<z.output<typeof record> | undefined>
}

async function redeem(offer: NodeOffer, { fileOf, read, enrolment, renewals, now }: Redeeming): Promise<NodeFiles> {
  const { secret, publicKeyPem } = offer
  const kept = isDnsName(offer.node) ? await read(offer.node) : undefined
  if (kept === undefined || !isSame(hashOfSecret(secret), kept.sha256)) throw unknownToken()
  const node = { name: parseNodeName(offer.node), agent: kept.agent }
  requireOffered(node.name, offer)
  const issued = await readText(fileOf(node.name, 'crt'))
  // Only who has the token learns that it has expired; a certificate that was issued is of no use to another key.
  if (issued === undefined && kept.expiresAt <= now()) throw expired(node.name, kept.expiresAt)
  await pinKey(fileOf(node.name, 'key'), offer)
  const certificate = issued ?? (await renewals.certify(node, publicKeyPem))
  if (issued === undefined) await writeDurably(fileOf(node.name, 'crt'), certificate, 0o600)
  await enrolment.record(node, certificate)
  return { ...(await enrolment.files(node)), 'node.crt': certificate }
}

/** The files of a token: itself, the key that used it first, the certificate of that key. In the order in which they are removed. */
const kinds = ['json', 'crt', 'key'] as const
type Kind = (typeof kinds)[number]

const withoutHash = ({ sha256: _, ...kept }: z.output<typeof record>) => kept

/** The file is made once, by whichever process is first; from then on the token is for this key. */
async function pinKey(path: string, { node, publicKeyPem }: Pick<NodeOffer, 'node' | 'publicKeyPem'>): Promise<void> {
  const whole = `${path}.${randomUUID()}`
  await writeDurably(whole, publicKeyPem, 0o600)
  // A name is given once, to a file that is whole.
  await link(whole, path)
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    .finally(() => rm(whole, { force: true }))
  await syncFolder(dirname(path))
  if ((await readText(path)) === publicKeyPem) return
  throw new QuorateError('ACCESS_DENIED', `the token of ${node} was used by another key`, {
    where: node,
    remedy: `If that was not your node, \`quorate revoke ${node}\` at once. Then create another token: \`quorate token node ${node} --address HOST\`.`,
  })
}

/** One answer for an unknown node and a wrong secret: it says of no name whether it is expected. */
const unknownToken = (): QuorateError =>
  new QuorateError('NOT_AUTHENTICATED', 'no node is expected with this token', {
    remedy: 'It may have been revoked, or replaced by another one. Create one: quorate token node NAME --address HOST',
  })

const expired = (node: string, at: number): QuorateError =>
  new QuorateError('NOT_AUTHENTICATED', `the token of ${node} expired on ${new Date(at).toISOString()}`, {
    remedy: `Create another one: quorate token node ${node} --address HOST`,
  })

function isSame(some: string, other: string): boolean {
  const [a, b] = [Buffer.from(some), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const readText = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(absent)
