import type { HandOverLeadershipRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { isEtcdLedHere, moveEtcdLeader } from './cluster/etcd-leader.js'
import { requireJoinedBy } from './cluster/join-marker.js'
import { electedComponents, isLedHere, moveLease } from './cluster/leader-lease.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/**
 * When a leader stops, a new one follows only after a timeout: a second or two for etcd, fifteen for a controller-manager. A leader that hands
 * over avoids both. What could not be moved is in the result: the node is stopped anyway.
 */
export const handOverLeadership = changeOperation<HandOverLeadershipRequest>(
  async ({ to, onlyJoined }, context) => {
    if (onlyJoined) await requireJoinedBy(context.tools, context.header.runId)
    const moved = await Promise.all([
      to === '' ? undefined : moveEtcdLeader(to, context),
      ...electedComponents.map((component) => moveLease(component, context)),
    ])
    const said = moved.filter((one) => one !== undefined)
    return said.length === 0 ? unchanged('this node leads nothing') : changed({ summary: said.join('; ') })
  },
  {
    evidence: async ({ to }, { tools, signal }) => {
      const led = await Promise.all([
        to === '' ? false : isEtcdLedHere(tools, signal),
        ...electedComponents.map((component) => isLedHere(tools, component, signal)),
      ])
      return doneIf(!led.includes(true))
    },
  },
)
