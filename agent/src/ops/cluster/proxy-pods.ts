import { holds, notYet, until } from '@quorate/shared/until'
import type { KubeApi } from '../../host/kube-api.js'
import type { ChangeContext } from '../context/operation.js'
import { apiPath, isReady, type List, type Pod, unixMs } from './kube-objects.js'

/** A deleted pod has 30 s to end; its successor needs time to start, without a pull. */
const replacedWithinMs = 90_000

async function proxyPods(kube: KubeApi, signal?: AbortSignal): Promise<readonly Pod[]> {
  const pods = await kube.get<List<Pod>>(`${apiPath.systemPods}?labelSelector=k8s-app%3Dkube-proxy`, signal)
  return pods?.items ?? []
}

/** Pods of kube-proxy that started before that time; Unix milliseconds. */
export async function proxyPodsOlderThan(
  kube: KubeApi,
  unixMsThen: number,
  signal?: AbortSignal,
): Promise<readonly Pod[]> {
  const pods = await proxyPods(kube, signal)
  return pods.filter(({ status }) => status?.startTime !== undefined && unixMs(status.startTime) < unixMsThen)
}

/**
 * Replaces the pods of kube-proxy on some nodes, one after the other, each after the previous one is Ready again; the DaemonSet makes the new
 * ones. A pod that is not Ready now does nothing for its node: its successor is not waited for. Returns the nodes. Repeated after a crash, it
 * replaces pods that are already replaced: that only costs time.
 */
export async function replaceProxyPods(
  kube: KubeApi,
  nodes: readonly string[],
  { signal, progress }: ChangeContext,
): Promise<readonly string[]> {
  const old = (await proxyPods(kube, signal)).filter(({ spec }) => nodes.includes(spec?.nodeName ?? ''))
  for (const pod of old) {
    const { metadata, spec } = pod
    const node = spec?.nodeName ?? ''
    progress(`replacing kube-proxy's pod on ${node}`)
    await kube.remove(`${apiPath.systemPods}/${metadata.name}`, signal)
    if (!isReady(pod)) continue
    const look = async () => {
      const pods = (await proxyPods(kube, signal)).filter((one) => one.spec?.nodeName === node)
      const ready = pods.some((one) => one.metadata.name !== metadata.name && isReady(one))
      return ready ? holds(true) : notYet(pods.map((one) => one.metadata.name).join(', ') || 'no pod')
    }
    await until(`a new pod of kube-proxy on ${node}`, look, { deadlineMs: replacedWithinMs, everyMs: 250, signal })
  }
  return old.map(({ spec }) => spec?.nodeName ?? '')
}
