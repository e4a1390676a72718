import { QuorateError } from '@quorate/shared/errors'
import type { RestartStaticPodRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { holds, notYet, until } from '@quorate/shared/until'
import { runningContainers } from './cluster/running-containers.js'
import { changeOperation, doneIf } from './context/operation.js'
import { changed } from './context/result.js'

// Not etcd: its restart is a lost vote, and no change needs it.
const components: readonly string[] = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']
const graceSeconds = 30
const deadlineMs = 120_000

/**
 * Stops the container; the kubelet starts another in the same sandbox. Deleting the mirror pod would not restart anything
 * (kubernetes issue 79147), hence the check by container id.
 */
export const restartStaticPod = changeOperation<RestartStaticPodRequest>(
  async ({ component }, { tools, signal, progress }) => {
    if (!components.includes(component)) {
      throw new QuorateError('NOT_IN_TABLE', `${JSON.stringify(component)} is not a static pod that may be restarted`)
    }
    const running = () => runningContainers(tools, [component], signal)
    const before = await running()
    const cri = tools.cri()
    try {
      for (const { id } of before) await cri.stopContainer(id, graceSeconds, signal)
    } finally {
      cri.close()
    }
    progress(`stopped ${component}, waiting for the kubelet to restart it`)
    const old = new Set(before.map(({ id }) => id))
    const look = async () => {
      const fresh = (await running()).find(({ id }) => !old.has(id))
      return fresh === undefined ? notYet('no new container runs') : holds(fresh)
    }
    const fresh = await until(`a new container of ${component}`, look, { deadlineMs, everyMs: 250, signal })
    return changed({
      summary: `${component} runs in a new container`,
      facts: {
        container_id: fresh.id,
        previous_container_id: before[0]?.id ?? '',
        restarted_at: String(fresh.createdUnixMs),
      },
    })
  },
  {
    evidence: async ({ component }, { tools, begunAtUnixMs, signal }) => {
      const running = await runningContainers(tools, [component], signal)
      return doneIf(running.length > 0 && running.every(({ createdUnixMs }) => createdUnixMs >= begunAtUnixMs))
    },
  },
)
