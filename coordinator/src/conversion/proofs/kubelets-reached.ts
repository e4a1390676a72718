import { remedyFor, unreachedFrom } from '../clients/kubelets-reached.js'
import type { Proof } from '../context/proof.js'
import { notProved, resultOf, type Seen } from './not-proved.js'

const id = 'kubelets-reached'

/** What `kubectl logs` needs, whichever API server is asked: its client certificate, the address of the Node, the kubelet's own certificate. */
export const kubeletsReachedProof: Proof = {
  id,
  title: 'Every API server reaches the kubelet of every node',
  outside: true,
  foreseen: [
    {
      asks: 'kubelets that every API server reaches',
      checks: ['kubelets-reached', 'kubelet-serving-certificates'],
      stays: ['kubelets-reached'],
    },
  ],
  async prove(run, signal) {
    const { nodes: objects, servingRequests } = await run.clusterFacts()
    // One that is not Ready is another proof's.
    const nodes = run.nodes.filter((node) => objects.some(({ name, ready }) => name === node.name && ready))
    const seen = await Promise.all(
      run.controlPlanes.map(async (from): Promise<Seen[]> => {
        const unreached = await unreachedFrom(run, from, nodes, signal)
        if (unreached.length === 0)
          return [{ what: `kubelets through the API server of ${from.name}`, saw: `${nodes.length} answer` }]
        return unreached.map((one) =>
          notProved(id, {
            node: one.node,
            message: `the API server of ${from.name} does not reach its kubelet: kubectl logs, exec and metrics fail there`,
            evidence: `GET /api/v1/nodes/${one.node}/proxy/healthz: ${one.error}`,
            remedy: remedyFor(one, servingRequests),
          }),
        )
      }),
    )
    return resultOf(seen.flat())
  },
}
