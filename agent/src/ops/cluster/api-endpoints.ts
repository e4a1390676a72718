import { readLocalApiServer } from '../../host/local-api-server.js'
import { unchanged } from '../result.js'
import type { Tools } from '../tools.js'
import { apiPath, type EndpointSlice, type List } from './kube-objects.js'

interface Place {
  readonly slice: EndpointSlice
  /** The slice without this node's API server. */
  readonly others: NonNullable<EndpointSlice['endpoints']>
}

/** The EndpointSlices of default/kubernetes that lead to this node's own API server. */
async function placesOf({ host, kube }: Tools, signal: AbortSignal): Promise<readonly Place[]> {
  const { address } = await readLocalApiServer(host)
  const slices = (await (await kube()).get<List<EndpointSlice>>(apiPath.slicesOfApi, signal))?.items ?? []
  return slices.flatMap((slice) => {
    const endpoints = slice.endpoints ?? []
    const others = endpoints.filter(({ addresses }) => addresses?.includes(address) !== true)
    return others.length === endpoints.length ? [] : [{ slice, others }]
  })
}

/** Whether pods may still be led to this node's API server by the Service `kubernetes`. */
export const isInEndpoints = async (tools: Tools, signal: AbortSignal): Promise<boolean> =>
  (await placesOf(tools, signal)).length > 0

/**
 * Takes this node's API server out of them; `alone` where it is the only one, and nothing is changed. Only the slices, which is what kube-proxy
 * reads: each API server makes them again every ten seconds from what etcd knows of all of them (k8s.io/kubernetes pkg/controlplane/reconcilers), so
 * whatever becomes of this node's, the slices are right again.
 */
export async function leaveEndpoints(tools: Tools, signal: AbortSignal): Promise<'left' | 'out' | 'alone'> {
  const places = await placesOf(tools, signal)
  if (places.length === 0) return 'out'
  if (places.some(({ others }) => others.length === 0)) return 'alone'
  const kube = await tools.kube()
  for (const { slice, others } of places)
    await kube.replace(apiPath.apiSlice(slice.metadata.name), { ...slice, endpoints: others }, signal)
  return 'left'
}

/** What an operation answers that was to end this API server only when nobody is led to it any more. */
export const backInEndpoints = unchanged(
  'this API server is among the endpoints of default/kubernetes: nothing was ended',
  {
    in_endpoints: 'yes',
  },
)
