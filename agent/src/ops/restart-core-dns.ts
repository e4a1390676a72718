import type { RestartCoreDnsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { apiPath, type Workload } from './cluster/kube-objects.js'
import { restartedSince, startRollingRestart } from './cluster/rolling-restart.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/** The scheduler placed CoreDNS when there was one control plane: only new pods are spread. Without CoreDNS there is nothing to do. */
export const restartCoreDns = changeOperation<RestartCoreDnsRequest>(
  async (_, { tools, signal }) => {
    const kube = await tools.kube()
    const deployment = await kube.get<Workload>(apiPath.coreDns, signal)
    if (deployment === undefined) return unchanged('CoreDNS is not installed')
    const restartedAt = await startRollingRestart(kube, apiPath.coreDns, signal)
    return changed({ summary: 'rolling restart of CoreDNS started', facts: { restarted_at: String(restartedAt) } })
  },
  {
    evidence: async (_, { tools, begunAtUnixMs, signal }) => {
      const deployment = await (await tools.kube()).get<Workload>(apiPath.coreDns, signal)
      return deployment === undefined ? { done: 'yes' } : doneIf(restartedSince(deployment, begunAtUnixMs))
    },
  },
)
