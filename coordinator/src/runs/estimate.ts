import type { ConversionRun } from '../conversion/context/run.js'
import type { PlannedStep } from '../engine/plan.js'

/**
 * Seconds that one action takes with its gate, as a rule of thumb for the plan; whatever is not named takes `otherwise`. The
 * joins and the rollout dominate: both wait for kubelets and leases, whose periods are Kubernetes' own (10 s).
 */
const secondsPerAction: Readonly<Record<string, number>> = {
  'let-etcd-listen': 90,
  'rewrite-first-kubelet': 12,
  'rewrite-control-plane-kubeconfigs': 8,
  'update-kube-proxy': 30,
  'rewrite-worker-kubeconfigs': 12,
  'prepare-joining': 15,
  'upload-certificates': 5,
  'join-control-planes': 25,
  finish: 10,
  'prove-ha': 10,
}
const otherwise = 3

/** Seconds the plan will take, roughly: steps one after the other, each in as many rounds as its width makes. */
export function estimateSeconds(steps: readonly PlannedStep[], run: ConversionRun): number {
  return steps.reduce((sum, { id, actions }) => {
    const step = run.order.find((one) => one.id === id)
    if (step === undefined || actions.length === 0) return sum
    const width = Math.max(1, typeof step.width === 'number' ? step.width : step.width(run))
    const canary = Math.min(step.canary?.(run) ?? 0, actions.length)
    return sum + (canary + Math.ceil((actions.length - canary) / width)) * (secondsPerAction[id] ?? otherwise)
  }, 0)
}
