import { systemClock } from '@quorate/shared/clock'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { type EnrolledNode, entryOf } from '../config/enrolled-node.js'
import type { Fleet } from '../fleet/fleet.js'
import { connectToLook } from './connect-to-look.js'
import type { Session } from './context/session.js'

/** One enrolled node as it answers now. */
export interface NodeStatus {
  readonly name: string
  /** `host:port` of its agent. */
  readonly address: string
  readonly reachable: boolean
  readonly agentVersion?: string
  /** The kubelet's version; empty where there is none. */
  readonly kubernetesVersion?: string
  /** This node's clock minus the local one, in milliseconds, corrected by half of the round trip. */
  readonly clockOffsetMs?: number
  /** Unix milliseconds. */
  readonly certificateExpiresAt: number
  /** Number of the list of revoked keys that it has; 0: none. Unset where its agent knows of no such list. */
  readonly denyList?: number
  /** Its own key was revoked. */
  readonly revoked?: boolean
  /** Why it is not reachable. */
  readonly problem?: { readonly code: string; readonly message: string; readonly remedy: string }
}

/** Queries every enrolled node, all at once unless a run is working; a node that does not answer is a line of the result, not an error. */
export async function listNodes(session: Session): Promise<readonly NodeStatus[]> {
  const fleet = await connectToLook(session)
  try {
    return await Promise.all(
      (await session.enrolled()).map((node) => statusOf(fleet, node, (session.clock ?? systemClock).now)),
    )
  } finally {
    fleet.close()
  }
}

async function statusOf(fleet: Fleet, node: EnrolledNode, now: () => number): Promise<NodeStatus> {
  const known = { name: node.name, address: node.agent, certificateExpiresAt: node.certificateExpiresAt }
  try {
    const agent = fleet.agent(entryOf(node))
    const { facts } = await agent.read('getNodeFacts', {})
    // The node reads its clock last, so only the return path is between the two.
    const after = now()
    if (facts === undefined) throw new QuorateError('AGENT_ANSWER_REFUSED', 'the agent answered without facts')
    const denyList = await agent.read('getDenyList', {}).catch(() => undefined)
    return {
      ...known,
      reachable: true,
      ...(denyList === undefined ? {} : { denyList: denyList.number }),
      agentVersion: facts.agentVersion,
      kubernetesVersion: facts.kubeletVersion,
      clockOffsetMs: Math.round(facts.clockUnixMs - after),
    }
  } catch (error) {
    const { code, message, remedy } = asQuorateError(error, node.name)
    const revoked = code === 'NODE_REVOKED' ? { revoked: true } : {}
    return { ...known, ...revoked, reachable: false, problem: { code, message, remedy } }
  }
}
