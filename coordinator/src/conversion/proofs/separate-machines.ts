import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding } from '../context/finding.js'
import type { Proof } from '../context/proof.js'
import { withFacts } from '../facts/with-facts.js'
import { resultOf } from './not-proved.js'

const id = 'separate-machines'

interface Sign {
  readonly what: string
  readonly severity: Finding['severity']
  readonly means: string
  readonly remedy: string
  of(facts: NodeFacts): string
}

/**
 * What can be seen from within. One machine-id is one installed system, or an unfinished clone of it (machine-id(5)): neither counts as two.
 * One product_uuid may also be a careless hypervisor. Two virtual machines on one host show nothing of it: that is for their operator.
 */
const signs: readonly Sign[] = [
  {
    what: 'machine-id',
    severity: 'error',
    means: 'they are one machine, or clones that others mistake for one',
    remedy: 'If it is a clone: rm /etc/machine-id && systemd-machine-id-setup, then reboot. Else move one of them.',
    of: ({ machineId }) => machineId,
  },
  {
    what: 'product_uuid',
    severity: 'warning',
    means: 'they may be containers or clones on one machine and fail together',
    remedy: 'Run each control plane on a separate machine; give each virtual machine a unique UUID.',
    of: ({ productUuid }) => productUuid.toLowerCase(),
  },
]

/** Three members of etcd on one machine are one. */
export const separateMachines: Proof = {
  id,
  title: 'No two control planes report the same machine',
  beside: 'Control planes on one machine fail with that machine. No thread reports it.',
  foreseen: [{ asks: 'machines of their own', checks: ['duplicate-identity'], stays: ['duplicate-identity'] }],
  async prove(run) {
    const nodes = await withFacts(run, run.controlPlanes)
    const findings = signs.flatMap((sign) => shared(sign, nodes))
    const saw = `${new Set(nodes.map(({ facts }) => facts.machineId)).size} of ${nodes.length} are different`
    return resultOf(findings.length > 0 ? findings : [{ what: 'machine-id of the control planes', saw }])
  },
}

function shared(sign: Sign, nodes: readonly { node: NodeEntry; facts: NodeFacts }[]): readonly Finding[] {
  return nodes.flatMap(({ node, facts }, index) => {
    const value = sign.of(facts)
    const twin = nodes.slice(0, index).find((other) => sign.of(other.facts) === value)
    if (value === '' || twin === undefined) return []
    const { severity, remedy, means, what } = sign
    return [
      {
        ...{ id, severity, node: node.name, remedy },
        message: `it has the same ${what} as ${twin.node.name}: ${means}`,
        evidence: `${what} ${value}`,
      },
    ]
  })
}
