import type { UpdateKubeProxyRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { pointKubeconfigAt } from '@quorate/shared/kubeconfig'
import type { KubeApi } from '../host/kube-api.js'
import { readConfigMap } from './backup/config-maps.js'
import { editConfigMap } from './cluster/edit-config-map.js'
import { apiPath, type List, type ObjectMeta, type Pod, unixMs } from './cluster/kube-objects.js'
import { startRollingRestart } from './cluster/rolling-restart.js'
import { type ChangeOperation, changeOperation, doneIf } from './operation.js'
import { changed, unchanged } from './result.js'

const name = 'configmap/kube-system/kube-proxy'

/** kube-proxy reads its kubeconfig at start only: the ConfigMap is changed, then its pods are rolled. A cluster without kube-proxy has nothing to change. */
const update: ChangeOperation<UpdateKubeProxyRequest>['run'] = async ({ server, expectedSha256 }, context) => {
  const { tools, signal } = context
  const kube = await tools.kube()
  const found = await readConfigMap(kube, name, signal)
  if (found === undefined) return unchanged('kube-proxy is not installed')
  const touched = await editConfigMap(context, {
    name,
    expectedSha256,
    edit: (text) => pointKubeconfigAt(text, server),
  })
  if (touched === undefined && !(await rolloutWasMissed(kube, found.object.metadata, signal))) {
    return unchanged(`kube-proxy already uses ${server}`)
  }
  // Without the signal: a changed ConfigMap without the restart would be half a change.
  const restartedAt = await startRollingRestart(kube, apiPath.kubeProxy)
  return changed({
    summary: `kube-proxy: server is ${server}, rolling restart started`,
    touched: touched === undefined ? [] : [touched],
    facts: { restarted_at: String(restartedAt) },
  })
}

/** The ConfigMap and the restart that makes the pods read it: one without the other is not done. */
const isUpdated: ChangeOperation<UpdateKubeProxyRequest>['evidence'] = async ({ server }, { tools, signal }) => {
  const kube = await tools.kube()
  const found = await readConfigMap(kube, name, signal)
  if (found === undefined) return { done: 'yes' }
  if (pointKubeconfigAt(found.text, server) !== found.text) return { done: 'no' }
  return doneIf(!(await rolloutWasMissed(kube, found.object.metadata, signal)))
}

export const updateKubeProxy = changeOperation<UpdateKubeProxyRequest>(update, { evidence: isUpdated })

/** True when a pod of kube-proxy is older than the last write to its ConfigMap: an earlier attempt ended between the two. */
async function rolloutWasMissed(kube: KubeApi, metadata: object, signal: AbortSignal): Promise<boolean> {
  const { managedFields = [] } = metadata as ObjectMeta
  const written = Math.max(0, ...managedFields.map(({ time }) => unixMs(time)))
  const pods = await kube.get<List<Pod>>(`${apiPath.systemPods}?labelSelector=k8s-app%3Dkube-proxy`, signal)
  return (pods?.items ?? []).some(({ status }) => status?.startTime !== undefined && unixMs(status.startTime) < written)
}
