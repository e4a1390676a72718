import type { KubeApi } from '../../host/kube-api.js'
import { unixMs, type Workload } from './kube-objects.js'

const annotation = 'kubectl.kubernetes.io/restartedAt'

/** Whether a rolling restart was requested since then; its time has a resolution of seconds. */
export const restartedSince = ({ spec }: Workload, sinceUnixMs: number): boolean =>
  unixMs(spec?.template?.metadata?.annotations?.[annotation]) >= Math.floor(sinceUnixMs / 1000) * 1000

/**
 * Starts a rolling restart of a DaemonSet or Deployment, like `kubectl rollout restart`. Returns its time, Unix milliseconds in whole
 * seconds: the start times of pods have that resolution.
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

/** The time of the last rolling restart in the template; empty for none. */
export async function markOf(kube: KubeApi, path: string): Promise<string> {
  return (await kube.get<Workload>(path))?.spec?.template?.metadata?.annotations?.[annotation] ?? ''
}

/** Restores the annotation that a rolling restart replaced: the template is as before, and its pods roll once more. */
export async function putBackMark(kube: KubeApi, path: string, restartedAt: string): Promise<void> {
  const annotations = { [annotation]: restartedAt === '' ? null : restartedAt }
  await kube.patch(path, { spec: { template: { metadata: { annotations } } } })
}
