import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import { linesOf, operatorRuns, quoted } from '../facts/operators-own.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'virtual-router-id'

/** Two groups of one id in one network take each other's advertisements for their own: two holders of an address, or none (keepalived#2370). */
export const virtualRouterId: Check = {
  id,
  title: 'No other keepalived on these nodes uses the virtual router id or the virtual IP',
  async check(run) {
    const { virtualRouterId: own, virtualIP } = run.file.loadBalancer
    if (!run.loadBalancer.programs.includes('keepalived')) return []
    const nodes = await withFacts(run, run.machines)
    return nodes.flatMap(({ name, facts }) => [
      ...ofLines(name, facts, {
        is: (line) => Number(/^virtual_router_id\s+(\d+)$/.exec(line)?.[1]) === own,
        message: `the operator's keepalived uses the virtual router id ${own} already`,
        remedy:
          'Set another loadBalancer.virtualRouterId (1 to 255) in the cluster file; tcpdump -ni any proto 112 shows the ids in use',
      }),
      ...ofLines(name, facts, {
        is: (line) => virtualIP !== undefined && line.split(/[\s/]/)[0] === virtualIP,
        message: `the operator's keepalived moves the address ${virtualIP} already`,
        remedy:
          'Set another loadBalancer.virtualIP in the cluster file; or keep that load balancer, and set loadBalancer.kind: external',
      }),
    ])
  },
}

interface Sought {
  is(line: string): boolean
  readonly message: string
  readonly remedy: string
}

/** What does not run and is not enabled clashes with nothing: an example of its package, or one that was given up. */
function ofLines(node: string, facts: NodeFacts, { is, message, remedy }: Sought): Finding[] {
  const severity = operatorRuns(facts, 'keepalived') ? 'error' : 'info'
  return linesOf(facts)
    .filter(({ text }) => is(text))
    .map((line): Finding => ({ id, severity, node, message, evidence: quoted(line), remedy }))
}
