import type { DeniedKey } from '@quorate/shared/deny-list'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { isOfFleet } from '@quorate/shared/fleet-chain'
import { readCertificate } from '@quorate/shared/pki'
import { type EnrolledNode, entryOf } from '../config/enrolled-node.js'
import type { Fleet } from '../fleet/fleet.js'
import { coordinatorName } from '../state/identities.js'
import { keyIn } from '../state/issued-keys.js'
import type { Revocations } from '../state/revocations.js'
import { revokedKeys } from './context/revoked-keys.js'
import type { Session } from './context/session.js'

/** What to revoke: the keys of a name, or the key of one certificate. */
export interface RevokeWish {
  /** A node's name, or `coordinator`. */
  readonly name?: string
  /** PEM. */
  readonly certificate?: string
}

/** What would be revoked. */
export interface RevokePlan {
  readonly whose: string
  readonly keys: readonly Pick<DeniedKey, 'sha256' | 'whose'>[]
  /** Those of them that no list denies yet. */
  readonly fresh: readonly Pick<DeniedKey, 'sha256' | 'whose'>[]
}

/** Whether a node has the newest list. */
export interface Informed {
  readonly name: string
  /** `revoked`: the node itself is, and gets no list. */
  readonly state: 'has it' | 'away' | 'revoked'
  readonly problem?: { readonly code: string; readonly message: string; readonly remedy: string }
}

export interface Revoked {
  readonly number: number
  readonly nodes: readonly Informed[]
}

/** Finds the keys. REVOKES_ITSELF for the one that this state folder uses; USAGE for a name without a key or a foreign certificate. */
export async function planRevoke(session: Session, wish: RevokeWish): Promise<RevokePlan> {
  const revocations = revocationsOf(session)
  await takeOverNewest(session, revocations)
  const { whose, keys } =
    wish.certificate === undefined
      ? await keysOfName(revocations, wish.name ?? '')
      : await keyOfCertificate(revocations, wish.certificate)
  const denied = await revokedKeys(session)
  return { whose, keys, fresh: keys.filter(({ sha256 }) => !denied.has(sha256)) }
}

/** Signs the next list and gives it to every enrolled node that answers; a plan without fresh keys gives the list that there is. */
export async function revoke(session: Session, { fresh }: RevokePlan): Promise<Revoked> {
  const revocations = revocationsOf(session)
  const list = fresh.length > 0 ? await revocations.deny(fresh) : await revocations.newest()
  if (list === undefined) throw new QuorateError('USAGE', 'there is no list of revoked keys')
  const nodes = await withEach(session, (fleet, node) => inform(fleet, node, list.document))
  return { number: list.number, nodes }
}

function revocationsOf({ revocations }: Session): Revocations {
  if (revocations === undefined) throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder revokes no keys')
  return revocations
}

/** A state folder that was restored from a backup may lack the newest list: the nodes have it. A node that is away, or has none, has no say. */
async function takeOverNewest(session: Session, revocations: Revocations): Promise<void> {
  const documents = await withEach(session, (fleet, node) =>
    fleet
      .agent(entryOf(node))
      .read('getDenyList', {})
      .then(({ document }) => document)
      .catch(() => ''),
  )
  for (const document of documents) if (document !== '') await revocations.adopt(document)
}

async function keysOfName(revocations: Revocations, name: string): Promise<Pick<RevokePlan, 'whose' | 'keys'>> {
  const all = (await revocations.issued()).filter(({ whose }) => whose === name)
  if (all.length === 0)
    throw new QuorateError('USAGE', `no key is recorded for ${JSON.stringify(name)}`, {
      remedy: `\`quorate nodes\` shows the names; the coordinator's is ${coordinatorName}. A node that an earlier version enrolled: name its certificate instead, from its bundle or its /etc/quorate: quorate revoke --certificate node.crt`,
    })
  const keys = withoutOwn(revocations, all)
  return {
    whose: name,
    keys: keys.filter(({ sha256 }, index) => keys.findIndex((one) => one.sha256 === sha256) === index),
  }
}

async function keyOfCertificate(revocations: Revocations, pem: string): Promise<Pick<RevokePlan, 'whose' | 'keys'>> {
  const { commonName: whose, isCa, notBefore } = readCertificate(pem)
  const key = keyIn(whose, pem)
  // A certificate without that of its issuer is known by its key.
  const isIssued = (await revocations.issued()).some(({ sha256 }) => sha256 === key.sha256)
  if (isCa || !(isIssued || isOfFleet(pem, revocations.ca(), notBefore.getTime())))
    throw new QuorateError('USAGE', `this is no certificate of a node or an operator of this fleet: ${whose}`, {
      remedy: 'Name the certificate itself, such as node.crt of a bundle.',
    })
  return { whose, keys: withoutOwn(revocations, [key]) }
}

/** All but the key in use: without it this state folder reaches no node. */
function withoutOwn<Key extends { readonly sha256: string }>(revocations: Revocations, keys: readonly Key[]) {
  const others = keys.filter(({ sha256 }) => sha256 !== revocations.ownKey())
  if (others.length > 0) return others
  throw new QuorateError(
    'REVOKES_ITSELF',
    'this is the key that the coordinator itself uses: without it no node answers',
  )
}

async function withEach<T>(session: Session, work: (fleet: Fleet, node: EnrolledNode) => Promise<T>): Promise<T[]> {
  const fleet = session.connect()
  try {
    return await Promise.all((await session.enrolled()).map((node) => work(fleet, node)))
  } finally {
    fleet.close()
  }
}

async function inform(fleet: Fleet, node: EnrolledNode, document: string): Promise<Informed> {
  const { name } = node
  try {
    await fleet.agent(entryOf(node)).read('keepDenyList', { document })
    return { name, state: 'has it' }
  } catch (thrown) {
    const { code, message, remedy } = asQuorateError(thrown, name)
    return { name, state: code === 'NODE_REVOKED' ? 'revoked' : 'away', problem: { code, message, remedy } }
  }
}
