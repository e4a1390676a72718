import { toJoin } from '../facts/membership.js'
import { controlPlaneTaint, lastingTaints } from '../facts/node-registration.js'
import type { Check } from './check.js'

const id = 'control-plane-taints'

/** kubeadm's own; up to 1.24 it had the name of before. */
const usual = new Set([controlPlaneTaint, 'node-role.kubernetes.io/master:NoSchedule'])

/** kubeadm taints every control plane that joins, whatever the first one has: one that runs workloads does so for a reason. */
export const controlPlaneTaints: Check = {
  id,
  title: "The joiners' Nodes get the same taints as the first control plane, or as the policy says",
  beside: 'kubeadm taints every control plane that joins, regardless of the taints of the first one.',
  async check(run) {
    if (run.file.policy.controlPlaneTaints !== undefined || (await toJoin(run)).length === 0) return []
    const object = (await run.clusterFacts()).nodes.find(({ name }) => name === run.first.name)
    if (object === undefined) return []
    const taints = lastingTaints(object.taints)
    if (taints.length > 0 && taints.every((taint) => usual.has(taint))) return []
    const has = taints.join(', ') || 'none: it runs workloads'
    return [
      {
        id,
        severity: 'warning',
        node: run.first.name,
        message: `the joiners get kubeadm's taint, ${run.first.name} has ${has}`,
        evidence: `Node ${object.name} spec.taints: ${taints.join(', ') || 'none'}; kubeadm: ${controlPlaneTaint}`,
        remedy:
          "In the cluster file: policy.controlPlaneTaints: as-first gives the joiners the same taints, kubeadm gives them kubeadm's.",
      },
    ]
  },
}
