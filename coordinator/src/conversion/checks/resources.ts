import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { Finding } from '../context/finding.js'
import { toJoin } from '../facts/membership.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'resources'
/** kubeadm's own minimum for a control plane (preflight checks NumCPU and Mem). */
const least = { cpus: 2, memoryBytes: 1700 * 2 ** 20 }

export const resources: Check = {
  id,
  title: 'The joiners are large enough for a control plane',
  beside: "kubeadm's own preflight asks for them.",
  async check(run) {
    const joining = await toJoin(run)
    const nodes = await withFacts(run, joining)
    return nodes.flatMap(({ name, facts }) => ofNode(name, facts, run.file.policy.ignorePreflightErrors))
  },
}

function ofNode(node: string, facts: NodeFacts, ignored: readonly string[]): Finding[] {
  const findings: Finding[] = []
  if (facts.cpus < least.cpus && !ignored.includes('NumCPU')) {
    findings.push({
      id,
      severity: 'error',
      node,
      message: `kubeadm requires ${least.cpus} CPUs for a control plane`,
      evidence: `${facts.cpus} CPU`,
      remedy: 'Give the machine more CPUs, or add NumCPU to policy.ignorePreflightErrors.',
    })
  }
  if (facts.memoryBytes < least.memoryBytes && !ignored.includes('Mem')) {
    findings.push({
      id,
      severity: 'error',
      node,
      message: 'kubeadm requires 1700 MB of memory for a control plane',
      evidence: `${Math.round(facts.memoryBytes / 2 ** 20)} MB`,
      remedy: 'Give the machine more memory, or add Mem to policy.ignorePreflightErrors.',
    })
  }
  return findings
}
