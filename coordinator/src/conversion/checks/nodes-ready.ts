import type { NodeObject } from '@quorate/shared/gen/quorate/v1/facts'
import { kubeletSilent } from '../clients/kubelet-works.js'
import type { Finding } from '../context/finding.js'
import type { ConversionRun } from '../context/run.js'
import type { Check } from './check.js'

const id = 'nodes-ready'

/** A gate that waits for a Ready node cannot pass if the node was not Ready before. */
export const nodesReady: Check = {
  id,
  title: 'Every node of the cluster file that is in the cluster is Ready',
  beside: 'A gate that waits for a Ready node cannot pass if the node was not Ready before.',
  async check(run) {
    const inFile = new Set<string>(run.nodes.map((node) => node.name))
    const { nodes } = await run.clusterFacts()
    const existing = nodes.filter((node) => inFile.has(node.name))
    const silent = new Set<string>(await silentKubelets(run, existing))
    const unready = existing
      .filter((node) => !node.ready)
      .map(
        (node): Finding => ({
          id,
          severity: 'error',
          node: node.name,
          message: silent.has(node.name) ? kubeletSilent : 'the node is not Ready',
          evidence: `Node ${node.name}: Ready is not True; last heartbeat ${time(node.heartbeatUnixMs)}, lease renewed ${time(node.leaseRenewedUnixMs)}`,
          remedy: `kubectl describe node ${node.name}; on it: systemctl status kubelet, journalctl -u kubelet -n 50`,
        }),
      )
    const first = existing.find(({ name }) => name === run.first.name)
    const workers = new Set<string>(run.workers.map(({ name }) => name))
    return [
      ...unready,
      ...(first?.controlPlane === false ? [unlabelled(first.name)] : []),
      ...existing
        .filter(({ name, controlPlane }) => controlPlane && workers.has(name))
        .map(({ name }) => mislabelled(name)),
    ]
  },
}

const silentAfterMs = 60_000

/** A Lease is dated by the clock of its own node. */
async function silentKubelets(run: ConversionRun, nodes: readonly NodeObject[]): Promise<readonly string[]> {
  const looked = await Promise.all(
    nodes
      .filter(({ ready }) => !ready)
      .map(async ({ name, leaseRenewedUnixMs }) => {
        const clock = await run.nodeFacts(name).then(
          ({ clockUnixMs }) => clockUnixMs,
          () => Date.now(),
        )
        return clock - leaseRenewedUnixMs > silentAfterMs ? [name] : []
      }),
  )
  return looked.flat()
}

const label = 'node-role.kubernetes.io/control-plane'

const unlabelled = (node: string): Finding => ({
  ...{ id, severity: 'error', node },
  message: 'the first control plane is not labelled as one: kubeadm and Quorate find control planes by this label',
  evidence: `Node ${node}: no label ${label}`,
  remedy: `kubectl label node ${node} ${label}=`,
})

const mislabelled = (node: string): Finding => ({
  ...{ id, severity: 'error', node },
  message: 'this worker of the cluster file is labelled as a control plane',
  evidence: `Node ${node}: label ${label}`,
  remedy: `If it is a worker: kubectl label node ${node} ${label}-. Else name it in controlPlanes of the cluster file`,
})

function time(unixMs: number): string {
  return unixMs === 0 ? 'never' : new Date(unixMs).toISOString()
}
