import type { Check, Finding } from './check.js'

const id = 'nodes-ready'

/** A gate that waits for a node to be Ready again cannot pass on one that was not before. */
export const nodesReady: Check = {
  id,
  title: 'Every node of the file that is in the cluster is Ready',
  async check(run) {
    const inFile = new Set<string>(run.nodes.map((node) => node.name))
    const { nodes } = await run.clusterFacts()
    return nodes
      .filter((node) => inFile.has(node.name) && !node.ready)
      .map(
        (node): Finding => ({
          id,
          severity: 'error',
          node: node.name,
          message: 'the node is not Ready',
          evidence: `Node ${node.name}: Ready is not True; last heartbeat ${time(node.heartbeatUnixMs)}, lease renewed ${time(node.leaseRenewedUnixMs)}`,
          remedy: `kubectl describe node ${node.name}; on it: systemctl status kubelet, journalctl -u kubelet -n 50`,
        }),
      )
  },
}

function time(unixMs: number): string {
  return unixMs === 0 ? 'never' : new Date(unixMs).toISOString()
}
