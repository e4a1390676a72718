import { remedyFor, unreachedFrom } from '../clients/kubelets-reached.js'
import { existingNodes } from '../facts/membership.js'
import type { Check } from './check.js'

const id = 'kubelets-reached'

/** `kubectl logs` and exec, port-forward and metrics go from an API server to a kubelet (kubeadm#591, kubernetes#56582). */
export const kubeletsReached: Check = {
  id,
  title: 'The API server reaches the kubelet of every node',
  async check(run) {
    const { nodes: objects, servingRequests } = await run.clusterFacts()
    const nodes = (await existingNodes(run)).filter((node) =>
      objects.some(({ name, ready }) => name === node.name && ready),
    )
    const unreached = await unreachedFrom(run, run.first, nodes)
    return unreached.map((one) => ({
      id,
      severity: 'warning',
      node: one.node,
      message: 'the API server does not reach its kubelet: kubectl logs, exec and metrics fail there',
      evidence: `GET /api/v1/nodes/${one.node}/proxy/healthz on ${one.from.name}: ${one.error}`,
      remedy: remedyFor(one, servingRequests),
    }))
  },
}
