import { notProved, resultOf, type Seen } from './not-proved.js'
import type { Proof } from './proof.js'

const id = 'endpoint-name'

export const endpointName: Proof = {
  id,
  title: "Every node resolves the endpoint's name to the same address",
  async prove(run, signal) {
    const { host } = run.endpoint
    const answers = await Promise.all(
      run.nodes.map(async (node) => ({
        node: node.name,
        addresses: (await run.agent(node).read('resolveName', { name: host }, { signal })).addresses,
      })),
    )
    const sorted = (addresses: readonly string[]): string => [...addresses].sort().join(', ')
    const wanted = run.file.loadBalancer.virtualIP ?? sorted(answers[0]?.addresses ?? [])
    const seen = answers.map(({ node, addresses }): Seen => {
      if (addresses.length > 0 && sorted(addresses) === wanted)
        return { what: `${host} on ${node}`, saw: sorted(addresses) }
      return notProved(id, {
        node,
        message: `${host} does not resolve to ${wanted || 'any address'} here`,
        evidence: sorted(addresses) || 'no address',
        remedy: `Publish ${host} as ${wanted || 'the address of the load balancer'} in DNS, or set policy.manageHosts.`,
      })
    })
    return resultOf(seen)
  },
}
