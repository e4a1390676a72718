import type { RetireApiServerRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { commands } from '../host/commands.js'
import { backInEndpoints, mayBeBack } from './cluster/api-endpoints.js'
import { requireJoinedBy } from './cluster/join-marker.js'
import { runningContainers } from './cluster/running-containers.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import { runUnitCommand } from './context/run-unit.js'

const component = 'kube-apiserver'
/** Requests end long before; only watches hold an API server that shuts down, and clients start those again elsewhere. */
const graceSeconds = 5

/**
 * Stops the API server of a node that leaves while its etcd still answers: it finishes its requests and closes its connections
 * (k8s.io/apiserver, graceful termination), so that clients with a kept connection through the load balancer reconnect elsewhere. If its etcd member were removed
 * first, they would get errors. The kubelet is stopped before, because it would start another one.
 */
export const retireApiServer = changeOperation<RetireApiServerRequest>(
  async (request, context) => {
    const { tools, header, signal } = context
    await requireJoinedBy(tools, header.runId)
    await runUnitCommand(context, 'stop', commands.stopServices(['kubelet']))
    const servers = await runningContainers(tools, [component], signal)
    if (servers.length === 0) return unchanged('no API server runs')
    if (await mayBeBack(request, tools, signal)) return backInEndpoints
    const cri = tools.cri()
    try {
      for (const { id } of servers) await cri.stopContainer(id, graceSeconds, signal)
    } finally {
      cri.close()
    }
    return changed({ summary: 'the API server finished its requests and stopped' })
  },
  {
    evidence: async (_, { tools, signal }) =>
      doneIf((await runningContainers(tools, [component], signal)).length === 0),
  },
)
