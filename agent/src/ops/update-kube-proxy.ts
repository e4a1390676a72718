import type { UpdateKubeProxyRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { pointKubeconfigAt, readKubeconfig } from '@quorate/shared/kubeconfig'
import { clusterTexts } from '@quorate/shared/text-place'
import type { KubeApi } from '../host/kube-api.js'
import { readConfigMap } from './backup/config-maps.js'
import { editConfigMap } from './cluster/edit-config-map.js'
import { apiPath, lastWrite, type ObjectMeta } from './cluster/kube-objects.js'
import { proxyPodsOlderThan, replaceProxyPods } from './cluster/proxy-pods.js'
import { markOf, putBackMark, startRollingRestart } from './cluster/rolling-restart.js'
import { type ChangeContext, type ChangeOperation, changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

const name = 'configmap/kube-system/kube-proxy'

/** kube-proxy reads its kubeconfig only at start: the ConfigMap is changed, then its pods are rolled. Without kube-proxy there is nothing to change. */
const update: ChangeOperation<UpdateKubeProxyRequest>['run'] = async (request, context) => {
  const { server, expectedSha256 } = request
  const kube = await context.tools.kube()
  const found = await readConfigMap(kube, name, context.signal)
  if (found === undefined) return unchanged('kube-proxy is not installed')
  const touched = await editConfigMap(context, {
    name,
    expectedSha256,
    edit: (text) => pointKubeconfigAt(text, server, clusterTexts.kubeProxyKubeconfig),
  })
  if (touched === undefined && !(await rolloutWasMissed(kube, found.object.metadata, { request, context }))) {
    return unchanged(`kube-proxy already uses ${server}`)
  }
  const facts = await restartPods(kube, request, context)
  return changed({
    summary: `kube-proxy: server is ${server}, ${facts['restart']}`,
    touched: touched === undefined ? [] : [touched],
    facts: { ...facts, server_before: serverIn(found.text) },
  })
}

const serverIn = (text: string): string => readKubeconfig(text, clusterTexts.kubeProxyKubeconfig).server

/**
 * By the DaemonSet, or pod by pod: the DaemonSet's rollout stops at a node without power (an old pod there never ends after its deletion, and counts as
 * the one that may be unavailable: kubernetes pkg/controller/daemon/update.go), and it would also restart the pod of a node outside of this run.
 */
async function restartPods(
  kube: KubeApi,
  { onlyNodes, putBack }: UpdateKubeProxyRequest,
  context: ChangeContext,
): Promise<Record<string, string>> {
  // Without the signal: a changed ConfigMap without the restart would be half a change.
  const mark = await markOf(kube, apiPath.kubeProxy)
  if (putBack !== undefined) await putBackMark(kube, apiPath.kubeProxy, putBack.restartedAt)
  if (onlyNodes.length > 0) {
    const replaced = await replaceProxyPods(kube, onlyNodes, context)
    return { restart: `replaced its pods on ${replaced.join(', ') || 'no node'}` }
  }
  if (putBack !== undefined) return { restart: 'rolled back' }
  const restartedAt = await startRollingRestart(kube, apiPath.kubeProxy)
  return { restart: 'rolling restart started', restarted_at: String(restartedAt), restarted_before: mark }
}

/** The ConfigMap and the restart that makes the pods read it: only both together are done. */
const isUpdated: ChangeOperation<UpdateKubeProxyRequest>['evidence'] = async (request, context) => {
  const kube = await context.tools.kube()
  const found = await readConfigMap(kube, name, context.signal)
  if (found === undefined) return { done: 'yes' }
  if (pointKubeconfigAt(found.text, request.server, clusterTexts.kubeProxyKubeconfig) !== found.text)
    return { done: 'no' }
  return doneIf(!(await rolloutWasMissed(kube, found.object.metadata, { request, context })))
}

export const updateKubeProxy = changeOperation<UpdateKubeProxyRequest>(update, { evidence: isUpdated })

/** True if a pod of kube-proxy is older than the last write to its ConfigMap: an earlier attempt ended between the two. */
async function rolloutWasMissed(
  kube: KubeApi,
  metadata: object,
  { request, context }: { request: UpdateKubeProxyRequest; context: { readonly signal: AbortSignal } },
): Promise<boolean> {
  const old = await proxyPodsOlderThan(kube, lastWrite(metadata as ObjectMeta), context.signal)
  const { onlyNodes } = request
  return old.some(({ spec }) => onlyNodes.length === 0 || onlyNodes.includes(spec?.nodeName ?? ''))
}
