import type { Finding } from '../context/finding.js'
import { operatorRuns } from '../facts/operators-own.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'idle-timeouts'
/** What is shorter cuts `kubectl exec` and `logs -f` that happen to be silent, and every watch again and again (kubeadm#2227). */
const leastMs = 10 * 60_000
const unitMs: Readonly<Record<string, number>> = {
  '': 1,
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Quorate's own haproxy.cfg has four hours. One that the operator runs is seen only where it runs, or is enabled, on a node of the file. */
export const idleTimeouts: Check = {
  id,
  title: 'Your own load balancer on these nodes does not cut idle connections',
  async check(run) {
    if (run.loadBalancer.runBy !== 'operator') return []
    const nodes = await withFacts(run, run.nodes)
    return nodes.flatMap(({ name, facts }) =>
      operatorRuns(facts, 'haproxy')
        ? Object.entries(facts.foreignLoadBalancerConfigs).flatMap(([path, text]) => ofConfig(name, path, text))
        : [],
    )
  },
}

function ofConfig(node: string, path: string, text: string): Finding[] {
  return [...text.matchAll(/^[ \t]*timeout[ \t]+(client|server)[ \t]+(\d+)(us|ms|s|m|h|d)?[ \t\r]*(?:#.*)?$/gm)]
    .filter(([, , value, unit = '']) => Number(value) * (unitMs[unit] ?? 1) < leastMs)
    .map(([line, side]) => ({
      id,
      severity: 'warning',
      node,
      message: 'haproxy cuts idle connections to the API server: watches, exec and logs -f break',
      evidence: `${path}: ${line.trim()}`,
      remedy: `On that node, in ${path}: timeout ${side} 4h, and timeout tunnel 4h; then systemctl reload haproxy`,
    }))
}
