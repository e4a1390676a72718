import type { UseEtcdLearnersRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import { sha256Hex } from '@quorate/shared/hash'
import { editConfigMap, isConfigMapEdited } from './cluster/edit-config-map.js'
import { keepLearnerGate, withLearnerGate } from './cluster/learner-gate.js'
import { changeOperation } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

const name = 'configmap/kube-system/kubeadm-config'

/** kubeadm join reads the gate from kubeadm-config. Without it etcd has no quorum from the moment a second member is added until it has started. */
export const useEtcdLearners = changeOperation<UseEtcdLearnersRequest>(
  async ({ expectedSha256 }, context) => {
    const { tools, header } = context
    const touched = await editConfigMap(context, {
      name,
      expectedSha256,
      edit: withLearnerGate,
      keep: (text, wanted) => keepLearnerGate(tools, { runId: header.runId, text, sha256After: sha256Hex(wanted) }),
    })
    if (touched === undefined) return unchanged('kubeadm-config already has EtcdLearnerMode: true')
    return changed({ summary: 'kubeadm-config: EtcdLearnerMode is true for the joins', touched: [touched] })
  },
  { evidence: (_, context) => isConfigMapEdited(context, name, withLearnerGate) },
)
