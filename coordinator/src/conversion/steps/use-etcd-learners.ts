import { readClusterConfiguration, turnOnFeatureGate } from '@quorate/shared/cluster-config-map'
import { unifiedDiff } from '@quorate/shared/diff'
import { QuorateError } from '@quorate/shared/errors'
import { byItself } from '../context/foreseen.js'
import { defineStep } from '../context/step.js'
import { gateIn, gateTexts, learnerGate, learnerMode } from '../etcd/learner-mode.js'
import { newMembers } from '../facts/membership.js'
import { readClusterFacts, readNodeFacts } from '../facts/read-facts.js'

const name = 'configmap/kube-system/kubeadm-config'

export const useEtcdLearners = defineStep({
  id: 'use-etcd-learners',
  title: 'Set EtcdLearnerMode in kubeadm-config for the joins, if kubeadm has it off',
  gate: 'Only this feature gate has changed; the earlier text is kept on the first control plane.',
  undo: 'The earlier kubeadm-config is restored, unless something else has changed it since.',
  width: 1,
  foreseen: [byItself('the gate in kubeadm-config', 'the step sets it')],
  // An earlier attempt restored it after its joins, and the remaining joins need it again.
  onResume: 'renewed',
  async plan(run) {
    if ((await newMembers(run)).length === 0) return []
    const { learns, set } = await learnerMode(run)
    if (learns !== 'by-gate') return []
    const { before, after } = await gateTexts(run)
    const now = set === undefined ? 'it is off in this release' : `kubeadm-config sets it to ${set}`
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: `set ${learnerGate}: true while control planes join (${now}): without it etcd has no quorum until the second member has started`,
        diffs: [{ name, text: unifiedDiff(name, before, after) }],
      },
    ]
  },
  async apply(run, _action, call) {
    const { kubeadmConfig } = await run.clusterFacts()
    const request = { expectedSha256: kubeadmConfig?.sha256 ?? '' }
    await run.agent(run.first).change('useEtcdLearners', request, call, 'set-gate')
  },
  async verify(run, _action, signal) {
    const [facts, cluster] = await Promise.all([readNodeFacts(run, run.first, signal), readClusterFacts(run, signal)])
    const [text, kept] = [cluster.kubeadmConfig?.text ?? '', facts.learnerGateBefore]
    const wrong = (why: string) => new QuorateError('CONFIG_MAP_INVALID', `${name}: ${why}`, { where: run.first.name })
    if (readClusterConfiguration(text).featureGates[learnerGate] !== true) throw wrong(`it has ${gateIn(text)}`)
    if (kept === undefined) throw wrong('the earlier text is not kept')
    if (turnOnFeatureGate(kept.text, learnerGate) !== text) throw wrong(`more than ${learnerGate} has changed`)
    return [{ what: name, saw: `${gateIn(text)}, before ${gateIn(kept.text)}; nothing else changed` }]
  },
  async rollback(run, _done, call) {
    await run.agent(run.first).change('restoreLearnerGate', {}, call, 'restore')
  },
  async undone(run, _done, signal) {
    const [facts, cluster] = await Promise.all([readNodeFacts(run, run.first, signal), readClusterFacts(run, signal)])
    if (facts.learnerGateBefore !== undefined)
      throw new QuorateError('STEP_FAILED', `${learnerGate} is not restored`, { where: run.first.name })
    return [{ what: name, saw: gateIn(cluster.kubeadmConfig?.text ?? '') }]
  },
})
