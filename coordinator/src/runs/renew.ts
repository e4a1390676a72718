import { type Clock, systemClock } from '@quorate/shared/clock'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { requireOffered, requireVouched } from '@quorate/shared/identity-offer'
import { type EnrolledNode, enrolledAs, entryOf } from '../config/enrolled-node.js'
import type { Agent } from '../fleet/agent.js'
import type { Fleet } from '../fleet/fleet.js'
import { isNodeDue, type Renewals } from '../state/renewals.js'
import type { RootAccess } from '../state/root-key.js'
import { isDue, validityOf } from '../state/validity.js'
import { revokedKeys } from './context/revoked-keys.js'
import type { Session } from './context/session.js'

/** What became of one identity. */
export interface Renewed {
  /** A node's name, `coordinator`, or `issuer`: what issues all others. */
  readonly whose: string
  readonly state: 'renewed' | 'valid' | 'failed'
  /** When its certificate ends; Unix milliseconds. */
  readonly until: number
  readonly problem?: { readonly code: string; readonly message: string; readonly remedy: string }
}

export interface RenewOptions {
  /** Names of nodes, `coordinator` or `issuer`; empty: all. */
  readonly names: readonly string[]
  /** Also those that are valid for longer than a third of their life. */
  readonly early: boolean
  /** How the root key is reached, where it is not in clear beside the issuer. */
  readonly root?: RootAccess | undefined
}

/** Renews the coordinator's identity and those of nodes that answer; a node that does not is tried again next time. USAGE for a name of no node. */
export async function renewIdentities(session: Session, options: RenewOptions): Promise<readonly Renewed[]> {
  const { names, early } = options
  const { renewals, clock = systemClock } = session
  if (renewals === undefined) throw noIdentities()
  const enrolled = await session.enrolled()
  for (const name of names) if (name !== own && name !== issuer) enrolledAs(enrolled, name)
  const isMeant = (name: string) => names.length === 0 || names.includes(name)
  // First, so that nodes are asked with what is valid for long.
  const first = [
    ...(await renewIssuer(renewals, options, clock)),
    ...(isMeant(own) ? [await renewOwn(renewals, { early, clock })] : []),
  ]
  const fleet = session.connect()
  try {
    const nodes = enrolled.filter(({ name }) => isMeant(name))
    return [
      ...first,
      ...(await Promise.all(nodes.map((node) => renewNode(node, { renewals, fleet, session, early, clock })))),
    ]
  } finally {
    fleet.close()
  }
}

/** Gives a node its next certificate now, by the issuer of today; throws why it has none. */
export async function renewNow(session: Session, node: EnrolledNode): Promise<void> {
  const { renewals, clock = systemClock } = session
  if (renewals === undefined) throw noIdentities()
  const fleet = session.connect()
  try {
    await nextCertificate(node, { renewals, fleet, session, early: true, clock })
  } finally {
    fleet.close()
  }
}

/** STATE_NOT_INITIALISED. */
export const noIdentities = () => new QuorateError('STATE_NOT_INITIALISED', 'this state folder issues no identities')

const own = 'coordinator'
const issuer = 'issuer'

/** It renews by itself where the root key is beside it, with the first identity that it issues: then there is nothing to say. */
async function renewIssuer(renewals: Renewals, { names, early, root }: RenewOptions, clock: Clock): Promise<Renewed[]> {
  const isNamed = names.includes(issuer)
  const { validity, rootKey } = await renewals.issuer()
  // What is renewed early is to last for longer than before: it ends with its issuer.
  if (!isNamed && early && rootKey === 'in clear') await renewals.renewIssuer({})
  if (!isNamed && names.length > 0) return []
  const due = validity === undefined || isDue(validity, clock.now())
  if (!isNamed && (!due || rootKey === 'in clear')) return []
  const until = validity?.until ?? 0
  if (!due && !early) return [{ whose: issuer, state: 'valid', until }]
  try {
    return [{ whose: issuer, state: 'renewed', until: (await renewals.renewIssuer(root ?? {})).until }]
  } catch (thrown) {
    return [{ whose: issuer, state: 'failed', until, problem: problemOf(thrown, issuer) }]
  }
}

async function renewOwn(renewals: Renewals, { early, clock }: { early: boolean; clock: Clock }): Promise<Renewed> {
  const validity = await renewals.own()
  if (!early && !isDue(validity, clock.now())) return { whose: own, state: 'valid', until: validity.until }
  try {
    return { whose: own, state: 'renewed', until: (await renewals.renewOwn('now')).until }
  } catch (thrown) {
    return { whose: own, state: 'failed', until: validity.until, problem: problemOf(thrown, own) }
  }
}

interface NodeRenewal {
  readonly renewals: Renewals
  readonly fleet: Fleet
  readonly session: Session
  readonly early: boolean
  readonly clock: Clock
}

async function renewNode(node: EnrolledNode, parts: NodeRenewal): Promise<Renewed> {
  const { early, clock } = parts
  const { name: whose, certificateExpiresAt: until } = node
  if (!early && !isNodeDue(node, clock.now())) return { whose, state: 'valid', until }
  try {
    return { whose, state: 'renewed', until: await nextCertificate(node, parts) }
  } catch (thrown) {
    return { whose, state: 'failed', until, problem: problemOf(thrown, whose) }
  }
}

/** When it ends; Unix milliseconds. */
async function nextCertificate(node: EnrolledNode, parts: NodeRenewal): Promise<number> {
  const { renewals, fleet, session, clock } = parts
  // One that has ended is no proof of who answers: the key that the node has is.
  const asker = node.certificateExpiresAt < clock.now() ? session.connect({ unproven: true }) : fleet
  try {
    const certificatePem = await certifyOffered(asker.agent(entryOf(node)), node, {
      renewals,
      session,
      expired: asker !== fleet,
    })
    const { notAfterUnixMs } = await asker.agent(entryOf(node)).read('renewIdentity', { certificatePem })
    await renewals.record(node, validityOf(certificatePem))
    await meetAgain(node, session)
    return notAfterUnixMs
  } finally {
    if (asker !== fleet) asker.close()
  }
}

interface Offering extends Pick<NodeRenewal, 'renewals' | 'session'> {
  readonly expired: boolean
}

/** A certificate for the key that the node offers. */
async function certifyOffered(
  agent: Agent,
  node: EnrolledNode,
  { renewals, session, expired }: Offering,
): Promise<string> {
  const offered = await agent.read('offerIdentityKey', {})
  requireOffered(node.name, offered)
  if (!expired) return renewals.certify(node, offered.publicKeyPem)
  const denied = await revokedKeys(session)
  const keys = [...(await renewals.mayVouch(node))].filter((key) => !denied.has(key))
  return renewals.certify(node, offered.publicKeyPem, requireVouched(node.name, offered, new Set(keys)))
}

/** A connection of its own: the handshake shows that the new certificate holds. */
async function meetAgain(node: EnrolledNode, session: Session): Promise<void> {
  const fleet = session.connect()
  try {
    await fleet.agent(entryOf(node)).read('getSealingKey', {})
  } finally {
    fleet.close()
  }
}

function problemOf(thrown: unknown, where: string): NonNullable<Renewed['problem']> {
  const { code, message, remedy } = asQuorateError(thrown, where)
  return { code, message, remedy }
}
