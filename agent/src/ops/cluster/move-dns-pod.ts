import { systemClock } from '@quorate/shared/clock'
import { coreDnsLabel } from '@quorate/shared/core-dns-labels'
import { asQuorateError } from '@quorate/shared/errors'
import { holds, notYet, until } from '@quorate/shared/until'
import type { KubeApi } from '../../host/kube-api.js'
import { apiPath, isReady, type List, type Pod, type Workload } from './kube-objects.js'

const replacedWithinMs = 60_000
/**
 * kube-proxy writes its rules at most once a second (iptables.minSyncPeriod); a busy one is several seconds late. CoreDNS answers for another
 * five seconds after it was told to end (`lameduck` in kubeadm's Corefile).
 */
const heardWithinMs = 5_000

/** The pods of CoreDNS that serve, and those that were being moved. */
export interface DnsPods {
  readonly serving: readonly Pod[]
  readonly leaving: readonly Pod[]
}

/** Pods of CoreDNS that are not terminating. */
export async function readDnsPods(kube: KubeApi, signal: AbortSignal): Promise<DnsPods> {
  const all = (await kube.get<List<Pod>>(apiPath.systemPods, signal))?.items ?? []
  const pods = all.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const labelled = (value: string) => pods.filter(({ metadata }) => metadata.labels?.[coreDnsLabel.name] === value)
  return { serving: labelled(coreDnsLabel.serving), leaving: labelled(coreDnsLabel.leaving) }
}

/** Whether a pod without that label is replaced and gets no questions: as in kubeadm's Deployment. */
export const isMovable = ({ spec }: Workload): boolean =>
  spec?.selector?.matchLabels?.[coreDnsLabel.name] === coreDnsLabel.serving

/**
 * Takes a pod of CoreDNS out of its Service while it still answers, waits for its replacement, then deletes it. A rollout or an eviction does all at
 * once: where kube-proxy hears of it later than the pod has ended, questions are lost. Where it is not replaced in time it serves again.
 */
export async function moveDnsPod(kube: KubeApi, pod: Pod, signal: AbortSignal): Promise<void> {
  const give = (value: string) =>
    kube.patch(apiPath.pod(pod), { metadata: { labels: { [coreDnsLabel.name]: value } } }, signal)
  const leftAt = performance.now()
  await give(coreDnsLabel.leaving)
  await untilWhole(kube, signal).catch(async (error: unknown) => {
    await give(coreDnsLabel.serving)
    throw error
  })
  await systemClock.sleep(Math.max(0, leftAt + heardWithinMs - performance.now()), signal)
  await kube.remove(apiPath.pod(pod), signal)
}

/** Ends what an interrupted move left. */
export async function endLeavingPods(kube: KubeApi, pods: readonly Pod[], signal: AbortSignal): Promise<void> {
  await untilWhole(kube, signal).catch((error: unknown) => {
    // They serve nothing: without a replacement they are no help either.
    if (asQuorateError(error).code !== 'GATE_TIMEOUT') throw error
  })
  for (const pod of pods) await kube.remove(apiPath.pod(pod), signal)
}

/** Waits until as many pods of CoreDNS are ready as its Deployment wants. */
export async function untilWhole(kube: KubeApi, signal: AbortSignal, deadlineMs = replacedWithinMs): Promise<void> {
  const look = async () => {
    const [deployment, { serving }] = await Promise.all([
      kube.get<Workload>(apiPath.coreDns, signal),
      readDnsPods(kube, signal),
    ])
    const [ready, wanted] = [serving.filter(isReady).length, deployment?.spec?.replicas ?? 0]
    return ready >= wanted ? holds(true) : notYet(`${ready} of ${wanted} pods are ready`)
  }
  await until('CoreDNS to be whole', look, { deadlineMs, everyMs: 250, signal })
}
