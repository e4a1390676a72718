import type { LeaveApiEndpointsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { isInEndpoints, leaveEndpoints } from './cluster/api-endpoints.js'
import { requireJoinedBy } from './cluster/join-marker.js'
import { changeOperation, doneIf } from './operation.js'
import { changed, unchanged } from './result.js'

/**
 * kube-apiserver removes itself from the endpoints of default/kubernetes when it shuts down, and stops listening in the same moment: whom
 * kube-proxy leads there until it has heard of it is refused. Here it is taken out first, while it answers.
 */
export const leaveApiEndpoints = changeOperation<LeaveApiEndpointsRequest>(
  async ({ onlyJoined }, { tools, header, signal }) => {
    if (onlyJoined) await requireJoinedBy(tools, header.runId)
    const became = await leaveEndpoints(tools, signal)
    if (became === 'out') return unchanged('this API server is not among the endpoints of default/kubernetes')
    if (became === 'alone')
      return unchanged('this API server is the only endpoint of default/kubernetes: it stays', { alone: 'yes' })
    return changed({ summary: 'default/kubernetes leads to this API server no more' })
  },
  { evidence: async (_, { tools, signal }) => doneIf(!(await isInEndpoints(tools, signal))) },
)
