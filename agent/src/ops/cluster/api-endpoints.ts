import { systemClock } from '@quorate/shared/clock'
import { asQuorateError } from '@quorate/shared/errors'
import type { RetireApiServerRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { EtcdClient } from '../../host/etcd.js'
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

/** Whether pods may be sent to this node's API server, or may be before it has stopped. */
export const mayBeBack = async (
  { unlessInEndpoints, untilUnixMs }: Pick<RetireApiServerRequest, 'unlessInEndpoints' | 'untilUnixMs'>,
  tools: Tools,
  signal: AbortSignal,
): Promise<boolean> =>
  unlessInEndpoints && ((await isInEndpoints(tools, signal)) || (untilUnixMs > 0 && Date.now() > untilUnixMs))

interface Left {
  /** `alone` if it is the only one, and nothing changed. */
  readonly became: 'left' | 'out' | 'alone'
  /** Of the node's clock: until then nothing puts it back. Undefined where etcd does not say so. */
  readonly untilUnixMs: number | undefined
}

/**
 * Removes this node's API server from them. Only the slices, which kube-proxy
 * reads: each API server rebuilds them every ten seconds from etcd's list of all of them (k8s.io/kubernetes pkg/controlplane/reconcilers), so
 * they become correct again whatever happens to this node's. Its own entry of that list goes first: then only this API server itself puts it
 * back, at its next turn. It leaves just after such a turn, which is the longest time that it stays out.
 */
export async function leaveEndpoints(tools: Tools, signal: AbortSignal): Promise<Left> {
  for (let tried = 1; ; tried++) {
    const before = await placesOf(tools, signal)
    if (before.length === 0) return { became: 'out', untilUnixMs: undefined }
    if (isAlone(before)) return { became: 'alone', untilUnixMs: undefined }
    const untilUnixMs = await forgetInEtcd(tools, signal)
    const places = await placesOf(tools, signal)
    if (isAlone(places)) return { became: 'alone', untilUnixMs }
    try {
      await replace(places, tools, signal)
      return { became: 'left', untilUnixMs }
    } catch (error) {
      // Another one leaves at the same time, or an API server rebuilt the slice after it was read.
      if (tried === conflicts || asQuorateError(error).code !== 'DRIFT') throw error
    }
  }
}

const isAlone = (places: readonly Place[]): boolean => places.some(({ others }) => others.length === 0)

/** Three API servers and two that leave write the same object: this many times in a row is another trouble. */
const conflicts = 10

async function replace(places: readonly Place[], tools: Tools, signal: AbortSignal): Promise<void> {
  const kube = await tools.kube()
  for (const { slice, others } of places)
    await kube.replace(apiPath.apiSlice(slice.metadata.name), { ...slice, endpoints: others }, signal)
}

/** Of the ten seconds between two turns: a busy API server may be early after a late one. */
const staysOutMs = 8_000
/** A busy API server, or a busy etcd, is some seconds late. */
const turnMs = 15_000
const lookAgainMs = 250
/** A busy etcd does not answer one look; one that refuses this client refuses each. */
const refusalsAtMost = 3

/**
 * Deletes its entry of the list, just after it was written; until when it stays out. What etcd refuses here (its users may be limited)
 * only means that the other API servers put this one back too, and that this one's turn is not known.
 */
async function forgetInEtcd(tools: Tools, signal: AbortSignal): Promise<number | undefined> {
  const etcd = await tools.etcd().catch(() => undefined)
  if (etcd === undefined) return undefined
  try {
    const writtenAt = await untilWritten(etcd, signal)
    return await etcd.forgetApiServer(signal).then(
      () => (writtenAt === undefined ? undefined : writtenAt + staysOutMs),
      () => undefined,
    )
  } finally {
    etcd.close()
  }
}

/** Waits until it has taken a turn; after which time of the node's clock that was. Undefined if it takes none. */
async function untilWritten(etcd: EtcdClient, signal: AbortSignal): Promise<number | undefined> {
  const giveUpAt = performance.now() + turnMs
  let seen: { readonly wrote: string | undefined; readonly at: number } | undefined
  for (let refusals = 0; performance.now() < giveUpAt && refusals < refusalsAtMost; ) {
    const at = Date.now()
    try {
      const wrote = await etcd.apiServerWrote(signal)
      if (wrote === undefined) return undefined
      if (seen !== undefined && wrote !== seen.wrote) return seen.at
      seen = { wrote, at }
    } catch {
      signal.throwIfAborted()
      refusals++
    }
    await systemClock.sleep(lookAgainMs, signal)
  }
  return undefined
}

/** The answer of an operation that may stop this API server only when it is no endpoint any more. */
export const backInEndpoints = unchanged(
  'this API server is among the endpoints of default/kubernetes, or is soon: it was not stopped',
  {
    in_endpoints: 'yes',
  },
)
