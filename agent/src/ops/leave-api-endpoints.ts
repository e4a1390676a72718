import type { LeaveApiEndpointsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { isInEndpoints, leaveEndpoints } from './cluster/api-endpoints.js'
import { requireJoinedBy } from './cluster/join-marker.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/**
 * kube-apiserver removes itself from the endpoints of default/kubernetes when it shuts down, and stops listening at the same moment: until
 * kube-proxy has heard of it, connections there are refused. This removes it first, while it still answers.
 */
export const leaveApiEndpoints = changeOperation<LeaveApiEndpointsRequest>(
  async ({ onlyJoined }, { tools, header, signal }) => {
    if (onlyJoined) await requireJoinedBy(tools, header.runId)
    const { became, untilUnixMs } = await leaveEndpoints(tools, signal)
    if (became === 'out') return unchanged('this API server is not among the endpoints of default/kubernetes')
    if (became === 'alone')
      return unchanged('this API server is the only endpoint of default/kubernetes: it stays', { alone: 'yes' })
    return changed({
      summary: 'removed this API server from the endpoints of default/kubernetes',
      facts: untilUnixMs === undefined ? {} : { stays_out_until: String(untilUnixMs) },
    })
  },
  { evidence: async (_, { tools, signal }) => doneIf(!(await isInEndpoints(tools, signal))) },
)
