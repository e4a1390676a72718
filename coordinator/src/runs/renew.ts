import { type Clock, systemClock } from '@quorate/shared/clock'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { requireOffered } from '@quorate/shared/identity-offer'
import { type EnrolledNode, enrolledAs, entryOf } from '../config/enrolled-node.js'
import type { Fleet } from '../fleet/fleet.js'
import { isDue, isNodeDue, type Renewals } from '../state/renewals.js'
import type { Session } from './session.js'

/** What became of one identity. */
export interface Renewed {
  /** A node's name, or `coordinator`. */
  readonly whose: string
  readonly state: 'renewed' | 'valid' | 'failed'
  /** When its certificate ends; Unix milliseconds. */
  readonly until: number
  readonly problem?: { readonly code: string; readonly message: string; readonly remedy: string }
}

export interface RenewOptions {
  /** Names of nodes, or `coordinator`; empty: all. */
  readonly names: readonly string[]
  /** Also those that are valid for longer than a third of their life. */
  readonly early: boolean
}

/** Renews the coordinator's identity and those of nodes that answer; a node that does not is tried again next time. USAGE for a name of no node. */
export async function renewIdentities(session: Session, { names, early }: RenewOptions): Promise<readonly Renewed[]> {
  const { renewals, clock = systemClock } = session
  if (renewals === undefined) throw new QuorateError('STATE_NOT_INITIALISED', 'this state folder issues no identities')
  const enrolled = await session.enrolled()
  for (const name of names) if (name !== own) enrolledAs(enrolled, name)
  const isMeant = (name: string) => names.length === 0 || names.includes(name)
  // First, so that nodes are asked with what is valid for long.
  const first = isMeant(own) ? [await renewOwn(renewals, { early, clock })] : []
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

const own = 'coordinator'

async function renewOwn(renewals: Renewals, { early, clock }: { early: boolean; clock: Clock }): Promise<Renewed> {
  const validity = await renewals.own()
  if (!early && !isDue(validity, clock.now())) return { whose: own, state: 'valid', until: validity.until }
  try {
    return { whose: own, state: 'renewed', until: (await renewals.renewOwn()).until }
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
  const { renewals, fleet, session, early, clock } = parts
  const { name: whose, certificateExpiresAt: until } = node
  if (!early && !isNodeDue(node, clock.now())) return { whose, state: 'valid', until }
  try {
    const agent = fleet.agent(entryOf(node))
    const offered = await agent.read('offerIdentityKey', {})
    requireOffered(node.name, offered)
    const certificatePem = await renewals.certify(node, offered.publicKeyPem)
    const { notAfterUnixMs } = await agent.read('renewIdentity', { certificatePem })
    await renewals.record(node, notAfterUnixMs)
    await meetAgain(node, session)
    return { whose, state: 'renewed', until: notAfterUnixMs }
  } catch (thrown) {
    return { whose, state: 'failed', until, problem: problemOf(thrown, whose) }
  }
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
