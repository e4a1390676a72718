import type { Finding } from '../context/finding.js'
import { existingNodes } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'node-pressure'

/** The kubelet evicts pods there, and takes none: CoreDNS is not spread to it, and a control plane may lose its pods. */
export const nodePressure: Check = {
  id,
  title: 'No node of the cluster is short of disk, memory or processes',
  beside: 'The kubelet evicts pods on that node, with or without a conversion.',
  async check(run) {
    const existing = new Set<string>((await existingNodes(run)).map(({ name }) => name))
    const { nodes } = await run.clusterFacts()
    return nodes
      .filter(({ name, pressures }) => existing.has(name) && pressures.length > 0)
      .map(
        ({ name, pressures }): Finding => ({
          id,
          severity: 'warning',
          node: name,
          message: `the node is under pressure: the kubelet evicts pods from it and takes no new ones`,
          evidence: `Node ${name}: ${pressures.map((one) => `${one} is True`).join(', ')}`,
          remedy: `kubectl describe node ${name}; on it: df -h / /var/lib, free -m, crictl rmi --prune`,
        }),
      )
  },
}
