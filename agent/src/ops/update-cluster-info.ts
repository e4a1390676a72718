import type { UpdateClusterInfoRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { pointKubeconfigAt } from '@quorate/shared/kubeconfig'
import { clusterTexts } from '@quorate/shared/text-place'
import { editConfigMap, isConfigMapEdited } from './cluster/edit-config-map.js'
import { changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

/**
 * The server in cluster-info becomes the server of every kubelet that joins later (kubeadm discovery/token). The signatures beside it
 * are stale until the controller-manager's signer has seen the change.
 */
export const updateClusterInfo = changeOperation<UpdateClusterInfoRequest>(
  async ({ server, expectedSha256 }, context) => {
    const touched = await editConfigMap(context, {
      name: 'configmap/kube-public/cluster-info',
      expectedSha256,
      edit: (text) => pointKubeconfigAt(text, server, clusterTexts.clusterInfo),
    })
    if (touched === undefined) return unchanged(`cluster-info already names ${server}`)
    return changed({ summary: `cluster-info: server is ${server}`, touched: [touched] })
  },
  {
    evidence: ({ server }, context) =>
      isConfigMapEdited(context, 'configmap/kube-public/cluster-info', (text) =>
        pointKubeconfigAt(text, server, clusterTexts.clusterInfo),
      ),
  },
)
