import { setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import type { UpdateKubeadmConfigRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { adoptExtras } from '@quorate/shared/kubeadm-extras'
import { editConfigMap, isConfigMapEdited } from './cluster/edit-config-map.js'
import { changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

const edited =
  ({ controlPlaneEndpoint, certSans, extras }: UpdateKubeadmConfigRequest) =>
  (text: string): string =>
    adoptExtras(setControlPlaneEndpoint(text, controlPlaneEndpoint, certSans), extras)

/** kubeadm join requires controlPlaneEndpoint; certSANs keeps later certificates consistent with this one. */
export const updateKubeadmConfig = changeOperation<UpdateKubeadmConfigRequest>(
  async (request, context) => {
    const { controlPlaneEndpoint, expectedSha256 } = request
    const touched = await editConfigMap(context, {
      name: 'configmap/kube-system/kubeadm-config',
      expectedSha256,
      edit: edited(request),
    })
    if (touched === undefined) return unchanged(`kubeadm-config already names ${controlPlaneEndpoint}`)
    return changed({ summary: `kubeadm-config: controlPlaneEndpoint is ${controlPlaneEndpoint}`, touched: [touched] })
  },
  {
    evidence: (request, context) => isConfigMapEdited(context, 'configmap/kube-system/kubeadm-config', edited(request)),
  },
)
