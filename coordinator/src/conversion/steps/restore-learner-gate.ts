import { turnOnFeatureGate } from '@quorate/shared/cluster-config-map'
import { unifiedDiff } from '@quorate/shared/diff'
import { QuorateError } from '@quorate/shared/errors'
import { nothingToUndo } from '../../engine/step.js'
import { byItself } from '../context/foreseen.js'
import type { ConversionRun } from '../context/run.js'
import { defineStep } from '../context/step.js'
import { gateIn, gateTexts, learnerGate } from '../etcd/learner-mode.js'
import { readClusterFacts, readNodeFacts } from '../facts/read-facts.js'
import { useEtcdLearners } from './use-etcd-learners.js'

const name = 'configmap/kube-system/kubeadm-config'

export const restoreLearnerGate = defineStep({
  id: 'restore-learner-gate',
  title: 'Restore EtcdLearnerMode to its value before the joins',
  gate: 'kubeadm-config has the gate that it had before, and the kept copy is deleted.',
  undo: 'None needed: the gate is as it was before the run.',
  width: 1,
  foreseen: [byItself('the earlier value of the gate', 'the step restores it')],
  onResume: 'renewed',
  async plan(run) {
    const texts = await textsOf(run)
    if (texts === undefined) return []
    const { before, after } = texts
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: `restore kubeadm-config to its text before the joins: ${gateIn(before)}`,
        diffs: [{ name, text: unifiedDiff(name, after, before) }],
      },
    ]
  },
  async apply(run, _action, call) {
    await run.agent(run.first).change('restoreLearnerGate', {}, call, 'restore')
  },
  async verify(run, _action, signal) {
    const [facts, cluster] = await Promise.all([readNodeFacts(run, run.first, signal), readClusterFacts(run, signal)])
    if (facts.learnerGateBefore !== undefined)
      throw new QuorateError('STEP_FAILED', `${learnerGate} is not restored`, { where: run.first.name })
    return [{ what: name, saw: `${gateIn(cluster.kubeadmConfig?.text ?? '')}, as before the joins` }]
  },
  rollback: nothingToUndo('the gate is as it was before the run'),
})

/** The text that is kept on the first control plane; before the step has kept one, the text that it will keep. */
async function textsOf(run: ConversionRun): Promise<{ before: string; after: string } | undefined> {
  const kept = (await run.nodeFacts(run.first)).learnerGateBefore
  if (kept !== undefined) return { before: kept.text, after: turnOnFeatureGate(kept.text, learnerGate) }
  return (await useEtcdLearners.plan(run)).length === 0 ? undefined : gateTexts(run)
}
