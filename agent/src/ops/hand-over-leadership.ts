import type { HandOverLeadershipRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { isEtcdLedHere, moveEtcdLeader } from './cluster/etcd-leader.js'
import { requireJoinedBy } from './cluster/join-marker.js'
import { electedComponents, isLedHere, moveLease } from './cluster/leader-lease.js'
import { changeOperation, doneIf } from './operation.js'
import { changed, unchanged } from './result.js'

/**
 * A leader that is taken away has to be missed before there is another: a second or two for etcd, fifteen for a controller-manager. One that hands
 * over costs neither. What could not be moved is in the result: the node goes all the same, as it would have before.
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
