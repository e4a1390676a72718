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
  await kube.patch(path, restartPatch(restartedAt), signal)
  return restartedAt
}

/** What `kubectl rollout restart` writes. */
export function restartPatch(restartedAtUnixMs: number) {
  const annotations = { [annotation]: new Date(restartedAtUnixMs).toISOString().replace('.000', '') }
  return { spec: { template: { metadata: { annotations } } } }
}

/** The time of the last rolling restart as the template has it; empty for none. */
export async function markOf(kube: KubeApi, path: string): Promise<string> {
  return (await kube.get<Workload>(path))?.spec?.template?.metadata?.annotations?.[annotation] ?? ''
}

/** Puts the mark back that a rolling restart replaced: the template is as before, and for that its pods are rolled once more. */
export async function putBackMark(kube: KubeApi, path: string, restartedAt: string): Promise<void> {
  const annotations = { [annotation]: restartedAt === '' ? null : restartedAt }
  await kube.patch(path, { spec: { template: { metadata: { annotations } } } })
}
