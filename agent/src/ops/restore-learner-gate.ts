import { readClusterConfiguration } from '@quorate/shared/cluster-config-map'
import { QuorateError } from '@quorate/shared/errors'
import type { LearnerGateBefore } from '@quorate/shared/gen/quorate/v1/facts'
import type { RestoreLearnerGateRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { writeConfigMapText } from './backup/config-maps.js'
import { requireConfigMap } from './cluster/edit-config-map.js'
import { forgetLearnerGate, readLearnerGate } from './cluster/learner-gate.js'
import { type ChangeContext, changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'

const name = 'configmap/kube-system/kubeadm-config'

/** Restores kubeadm-config byte for byte as before the gate. DRIFT if it was changed meanwhile and the gate is still set. */
export const restoreLearnerGate = changeOperation<RestoreLearnerGateRequest>(
  async (_, context) => {
    const before = await readLearnerGate(context.tools)
    if (before === undefined) return unchanged('no run has set EtcdLearnerMode in kubeadm-config')
    const result = await putBack(context, before)
    await forgetLearnerGate(context.tools)
    return result
  },
  { evidence: async (_, { tools }) => doneIf((await readLearnerGate(tools)) === undefined) },
)

async function putBack(context: ChangeContext, before: LearnerGateBefore): Promise<OperationResult> {
  const kube = await context.tools.kube()
  const { object, text } = await requireConfigMap(kube, name, context.signal)
  const [found, wanted] = [sha256Hex(text), sha256Hex(before.text)]
  if (found !== before.sha256After) {
    if (gateOf(text) === gateOf(before.text)) return unchanged('EtcdLearnerMode in kubeadm-config is as it was before')
    throw new QuorateError('DRIFT', `${name} was changed after the run had set EtcdLearnerMode`, {
      where: name,
      remedy: `kubectl -n kube-system edit configmap kubeadm-config, and under featureGates ${inWords(gateOf(before.text))}. Then run \`quorate resume RUN\` or \`quorate rollback RUN\`.`,
    })
  }
  await writeConfigMapText(kube, name, { object, text: before.text, signal: context.signal })
  return changed({
    summary: 'restored kubeadm-config as it was before EtcdLearnerMode was set for the joins',
    touched: [{ name, sha256Before: found, sha256After: wanted }],
  })
}

const gateOf = (text: string): boolean | undefined => readClusterConfiguration(text).featureGates['EtcdLearnerMode']

const inWords = (gate: boolean | undefined): string =>
  gate === undefined ? 'delete the line EtcdLearnerMode' : `set EtcdLearnerMode: ${gate}`
