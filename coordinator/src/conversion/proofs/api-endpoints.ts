import type { Proof } from '../context/proof.js'
import { notProved, resultOf } from './not-proved.js'

const id = 'api-endpoints'

/** What pods find behind the Service `kubernetes`: each API server puts itself there. */
export const apiEndpoints: Proof = {
  id,
  title: 'The Service default/kubernetes lists every API server',
  foreseen: [
    { asks: 'API servers behind default/kubernetes', checks: ['api-endpoints', 'addresses'], stays: ['api-endpoints'] },
  ],
  async prove(run) {
    const { apiServerAddresses } = await run.clusterFacts()
    const missing = run.controlPlanes.filter(({ address }) => !apiServerAddresses.includes(address))
    const saw = [...apiServerAddresses].sort().join(', ')
    if (missing.length === 0) return resultOf([{ what: 'EndpointSlice of default/kubernetes', saw }])
    const remedy =
      'An API server registers itself within 15 s of its start: on that node, crictl logs of kube-apiserver.'
    return resultOf(
      missing.map((node) =>
        notProved(id, {
          node: node.name,
          message: 'the Service default/kubernetes does not list its API server',
          evidence: saw || 'no address',
          remedy,
        }),
      ),
    )
  },
}
