import type { KubeApi } from '../../host/kube-api.js'

/**
 * Starts a rolling restart of a DaemonSet or Deployment, as `kubectl rollout restart` does. Answers its time, Unix milliseconds in whole
 * seconds: pods tell their start no finer.
 */
export async function startRollingRestart(kube: KubeApi, path: string, signal?: AbortSignal): Promise<number> {
  const restartedAt = Math.floor(Date.now() / 1000) * 1000
  const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date(restartedAt).toISOString().replace('.000', '') }
  await kube.patch(path, { spec: { template: { metadata: { annotations } } } }, signal)
  return restartedAt
}
