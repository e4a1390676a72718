import { asQuorateError } from '@quorate/shared/errors'
import type { SpreadCoreDnsRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { holds, notYet, until } from '@quorate/shared/until'
import type { KubeApi } from '../host/kube-api.js'
import { apiPath, type Pod, type Workload } from './cluster/kube-objects.js'
import { endLeavingPods, isMovable, moveDnsPod, readDnsPods } from './cluster/move-dns-pod.js'
import { startRollingRestart } from './cluster/rolling-restart.js'
import { type ChangeContext, changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

const rolledWithinMs = 180_000

/**
 * The scheduler placed CoreDNS when there was one control plane, and moves no pod by itself: one of them is moved. Where its pod
 * cannot be (another selector, or admission refuses), all of them are restarted, as `kubectl rollout restart` does.
 */
export const spreadCoreDns = changeOperation<SpreadCoreDnsRequest>(
  async ({ onlyLeaving }, context) => {
    const { tools, signal } = context
    const kube = await tools.kube()
    const deployment = await kube.get<Workload>(apiPath.coreDns, signal)
    if (deployment === undefined) return unchanged('CoreDNS is not installed')
    const { serving, leaving } = await readDnsPods(kube, signal)
    if (leaving.length > 0) {
      await endLeavingPods(kube, leaving, signal)
      return changed({ summary: `deleted ${leaving.map(nameOf).join(', ')}, which a move had left` })
    }
    const pod = onlyLeaving ? undefined : huddled(serving)
    if (pod === undefined) return unchanged('no pod of CoreDNS is to be moved')
    if (isMovable(deployment) && (await moved(kube, pod, context)))
      return changed({ summary: `moved ${nameOf(pod)} away from ${pod.spec?.nodeName}` })
    await startRollingRestart(kube, apiPath.coreDns, signal)
    await untilRolled(kube, serving, signal)
    return changed({ summary: 'restarted the pods of CoreDNS' })
  },
  {
    evidence: async ({ onlyLeaving }, { tools, signal }) => {
      const { serving, leaving } = await readDnsPods(await tools.kube(), signal)
      return doneIf(leaving.length === 0 && (onlyLeaving || huddled(serving) === undefined))
    },
  },
)

const nameOf = ({ metadata }: Pod): string => metadata.name

/** One of several pods that are all on the same node. */
function huddled(pods: readonly Pod[]): Pod | undefined {
  const nodes = new Set(pods.map(({ spec }) => spec?.nodeName))
  return pods.length > 1 && nodes.size === 1 ? pods[0] : undefined
}

async function moved(kube: KubeApi, pod: Pod, { signal, progress }: ChangeContext): Promise<boolean> {
  progress(`${nameOf(pod)} leaves its Service, and is deleted once another serves`)
  return moveDnsPod(kube, pod, signal).then(
    () => true,
    (error: unknown) => {
      const { code, message } = asQuorateError(error)
      if (code !== 'API_SERVER_REFUSED') throw error
      progress(`it cannot be moved: ${message}`)
      return false
    },
  )
}

/** The Deployment ends them once new ones are ready. */
async function untilRolled(kube: KubeApi, before: readonly Pod[], signal: AbortSignal): Promise<void> {
  const old = new Set(before.map(nameOf))
  const look = async () => {
    const { serving } = await readDnsPods(kube, signal)
    const late = serving.filter((pod) => old.has(nameOf(pod)))
    return serving.length > 0 && late.length === 0 ? holds(true) : notYet(late.map(nameOf).join(', ') || 'no pod')
  }
  await until('the new CoreDNS pods', look, { deadlineMs: rolledWithinMs, everyMs: 250, signal })
}
