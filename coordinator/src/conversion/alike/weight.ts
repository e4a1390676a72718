import type { PodDifference } from '@quorate/shared/static-pod-differences'
import type { Severity } from '../checks/check.js'

/** Of a pod's spec, what changes how soon a component starts or is restarted, and not what it does. */
const onlyHowItRuns =
  /(^|\.)(resources|(liveness|readiness|startup)Probe|imagePullPolicy|ports|priority|priorityClassName|terminationMessage\w+|terminationGracePeriodSeconds|lifecycle)\b/

/** Two control planes that differ in it behave differently: `error`; or only run differently: `warning`. */
export function weightOf({ kind, name }: PodDifference): Severity {
  return kind === 'setting' && onlyHowItRuns.test(name) ? 'warning' : 'error'
}
