import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Finding, Severity } from '../context/finding.js'
import { withFacts } from '../facts/with-facts.js'
import type { Check } from './check.js'

const id = 'duplicate-identity'

interface Identity {
  readonly what: string
  readonly severity: Severity
  readonly remedy: string
  of(node: NodeEntry, facts: NodeFacts): string
}

/** Cloned machines share what must be unique; two nodes of one name take over each other's Node (kubeadm#1711, kubernetes#79779). */
const identities: readonly Identity[] = [
  {
    what: 'hostname',
    severity: 'error',
    remedy: 'On one of them: hostnamectl set-hostname NAME',
    of: (_, facts) => facts.hostname.toLowerCase(),
  },
  {
    what: 'MAC address',
    severity: 'error',
    remedy: 'Give each virtual machine a unique MAC address.',
    of: (node, facts) => macOf(node, facts),
  },
  {
    what: 'machine-id',
    severity: 'warning',
    remedy: 'On one of them: rm /etc/machine-id && systemd-machine-id-setup, then reboot',
    of: (_, facts) => facts.machineId,
  },
  {
    what: 'product_uuid',
    severity: 'warning',
    remedy: 'Give each virtual machine a unique UUID in its hypervisor.',
    of: (_, facts) => facts.productUuid.toLowerCase(),
  },
]

export const duplicateIdentity: Check = {
  id,
  title: 'No two nodes are clones of each other',
  async check(run) {
    const nodes = await withFacts(run, run.nodes)
    return identities.flatMap((identity) => duplicates(identity, nodes))
  },
}

function duplicates(identity: Identity, nodes: readonly { node: NodeEntry; facts: NodeFacts }[]): Finding[] {
  const seen = new Map<string, string>()
  return nodes.flatMap(({ node, facts }) => {
    const value = identity.of(node, facts)
    const before = seen.get(value)
    if (value !== '' && before === undefined) seen.set(value, node.name)
    if (value === '' || before === undefined) return []
    return [
      {
        id,
        severity: identity.severity,
        node: node.name,
        message: `it has the same ${identity.what} as ${before}`,
        evidence: `${identity.what} ${value}`,
        remedy: identity.remedy,
      },
    ]
  })
}

/** Only of the interface that carries the node's address: the ones that a CNI makes are the same everywhere. */
function macOf(node: NodeEntry, facts: NodeFacts): string {
  const own = facts.interfaces.find(({ addresses }) =>
    addresses.some((address) => address.split('/')[0] === node.address),
  )
  return own === undefined || /^[0:]*$/.test(own.mac) ? '' : own.mac.toLowerCase()
}
