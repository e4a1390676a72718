import { areIncomparable } from '@quorate/shared/mask'
import type { PodDifference } from '@quorate/shared/static-pod-differences'
import type { Severity } from '../context/finding.js'

/** Of a pod's spec, what changes how soon a component starts or is restarted, and not what it does. */
const onlyHowItRuns =
  /(^|\.)(resources|(liveness|readiness|startup)Probe|imagePullPolicy|ports|priority|priorityClassName|terminationMessage\w+|terminationGracePeriodSeconds|lifecycle)\b/

/** A member reads them while it has no data yet, and never again (etcd: server/embed/config.go, initial-*). */
const onceRead = /^initial-cluster(-state|-token)?$/

/** Two control planes that differ in it behave differently: `error`; or only run differently, or it is unknown: `warning`. */
export function weightOf({ component, kind, name, one, other }: PodDifference): Severity {
  if (areIncomparable(one, other)) return 'warning'
  if (component === 'etcd' && kind === 'flag' && onceRead.test(name)) return 'warning'
  // The server in use decides which program restarts.
  if (kind === 'setting' && /\.host$/.test(name)) return 'error'
  return kind === 'setting' && onlyHowItRuns.test(name) ? 'warning' : 'error'
}
