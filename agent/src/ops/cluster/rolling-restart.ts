import type { KubeApi } from '../../host/kube-api.js'
import { unixMs, type Workload } from './kube-objects.js'

const annotation = 'kubectl.kubernetes.io/restartedAt'

/** Whether a rolling restart was asked for since then; its time is told in whole seconds. */
export const restartedSince = ({ spec }: Workload, sinceUnixMs: number): boolean =>
  unixMs(spec?.template?.metadata?.annotations?.[annotation]) >= Math.floor(sinceUnixMs / 1000) * 1000

/**
 * Starts a rolling restart of a DaemonSet or Deployment, as `kubectl rollout restart` does. Answers its time, Unix milliseconds in whole
 * seconds: pods tell their start no finer.
 */
export async function startRollingRestart(kube: KubeApi, path: string, signal?: AbortSignal): Promise<number> {
  const restartedAt = Math.floor(Date.now() / 1000) * 1000
  const annotations = { [annotation]: new Date(restartedAt).toISOString().replace('.000', '') }
  await kube.patch(path, { spec: { template: { metadata: { annotations } } } }, signal)
  return restartedAt
}
