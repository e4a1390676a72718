import { asQuorateError } from '@quorate/shared/errors'
import { readLocalApiServer } from '../../host/local-api-server.js'
import { unchanged } from '../context/result.js'
import type { Tools } from '../context/tools.js'
import { apiPath, type EndpointSlice, type List } from './kube-objects.js'

interface Place {
  readonly slice: EndpointSlice
  /** The slice without this node's API server. */
  readonly others: NonNullable<EndpointSlice['endpoints']>
}

/** The EndpointSlices of default/kubernetes that contain this node's own API server. */
async function placesOf({ host, kube }: Tools, signal: AbortSignal): Promise<readonly Place[]> {
  const { address } = await readLocalApiServer(host)
  const slices = (await (await kube()).get<List<EndpointSlice>>(apiPath.slicesOfApi, signal))?.items ?? []
  return slices.flatMap((slice) => {
    const endpoints = slice.endpoints ?? []
    const others = endpoints.filter(({ addresses }) => addresses?.includes(address) !== true)
    return others.length === endpoints.length ? [] : [{ slice, others }]
  })
}

/** Whether the Service `kubernetes` may still send pods to this node's API server. */
export const isInEndpoints = async (tools: Tools, signal: AbortSignal): Promise<boolean> =>
  (await placesOf(tools, signal)).length > 0

/**
 * Removes this node's API server from them; `alone` if it is the only one, and nothing changes. Only the slices, which kube-proxy
 * reads: each API server rebuilds them every ten seconds from etcd's list of all of them (k8s.io/kubernetes pkg/controlplane/reconcilers), so
 * they become correct again whatever happens to this node's. Its own entry of that list goes first: then only this API server itself puts it back.
 */
export async function leaveEndpoints(tools: Tools, signal: AbortSignal): Promise<'left' | 'out' | 'alone'> {
  for (let tried = 1; ; tried++) {
    const places = await placesOf(tools, signal)
    if (places.length === 0) return 'out'
    if (places.some(({ others }) => others.length === 0)) return 'alone'
    await forgetInEtcd(tools, signal)
    try {
      await replace(places, tools, signal)
      return 'left'
    } catch (error) {
      // Another one leaves at the same time, or an API server rebuilt the slice after it was read.
      if (tried === conflicts || asQuorateError(error).code !== 'DRIFT') throw error
    }
  }
}

/** Three API servers and two that leave write the same object: this many times in a row is another trouble. */
const conflicts = 10

async function replace(places: readonly Place[], tools: Tools, signal: AbortSignal): Promise<void> {
  const kube = await tools.kube()
  for (const { slice, others } of places)
    await kube.replace(apiPath.apiSlice(slice.metadata.name), { ...slice, endpoints: others }, signal)
}

/** What etcd refuses here (its users may be limited) only means that the other API servers put this one back too. */
async function forgetInEtcd(tools: Tools, signal: AbortSignal): Promise<void> {
  const etcd = await tools.etcd().catch(() => undefined)
  if (etcd === undefined) return
  try {
    await etcd.forgetApiServer(signal).catch(() => signal.throwIfAborted())
  } finally {
    etcd.close()
  }
}

/** The answer of an operation that may stop this API server only when it is no endpoint any more. */
export const backInEndpoints = unchanged(
  'this API server is among the endpoints of default/kubernetes: it was not stopped',
  {
    in_endpoints: 'yes',
  },
)
