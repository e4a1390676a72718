import { systemClock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import type { WatchAvailabilityRequest, WatchAvailabilityResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { Host } from '../host/host.js'
import type { ClientCredentials } from '../host/network.js'
import { deleteLease } from './availability/lease.js'
import { Watch } from './availability/watch.js'
import { streamOperation } from './context/operation.js'
import { kubeconfigPaths } from './context/paths.js'
import type { Tools } from './context/tools.js'
import { clusterCa } from './network/cluster-ca.js'
import { credentialsOf, readView } from './network/kubeconfig-credentials.js'

const mostTargets = 32
const fastestMs = 10
const usual = { readMs: 50, writeMs: 250 }
/** Steps of a conversion can be shorter than a second, and each observation belongs to one of them. */
const saidEveryMs = 250

interface Running {
  readonly replaced: AbortController
  readonly ended: Promise<void>
}

/** One watch per node: two would cost twice, and each would delete the other's Lease. */
const running = new WeakMap<Host, Running>()

/**
 * Asks API servers until the caller hangs up. A running watch on this node is ended first (FENCED for its caller): its coordinator
 * was taken over, or is gone.
 */
export const watchAvailability = streamOperation<WatchAvailabilityRequest, WatchAvailabilityResponse>(
  async function* (request, tools, signal) {
    const parts = await partsOf(request, tools)
    // Its caller has asked again meanwhile: that watch goes on.
    if (signal.aborted) return
    const { replaced, done } = await replaceRunning(tools.host)
    try {
      if (request.targets.length === 0) {
        await deleteLease(tools, signal)
        yield { atUnixMs: Date.now(), seen: [] }
        return
      }
      const watch = new Watch(parts)
      try {
        yield* observed(watch, AbortSignal.any([signal, replaced]))
      } finally {
        await watch.end(replaced)
      }
    } finally {
      done()
    }
  },
)

async function* observed(watch: Watch, ends: AbortSignal): AsyncGenerator<WatchAvailabilityResponse> {
  for (;;) {
    await systemClock.sleep(saidEveryMs, ends)
    yield { atUnixMs: Math.round(watch.now()), seen: watch.take() }
  }
}

/** Ends the running watch and replaces it. */
async function replaceRunning(host: Host): Promise<{ replaced: AbortSignal; done: () => void }> {
  const before = running.get(host)
  const replaced = new AbortController()
  let done = () => {}
  const ended = new Promise<void>((resolve) => {
    done = resolve
  })
  running.set(host, { replaced, ended })
  before?.replaced.abort(new QuorateError('FENCED', 'a later watch of this node took its place'))
  await before?.ended
  return { replaced: replaced.signal, done }
}

async function partsOf(request: WatchAvailabilityRequest, tools: Tools) {
  const { targets, readEveryMs, writeEveryMs } = request
  if (targets.length > mostTargets || new Set(targets.map(({ name }) => name)).size < targets.length)
    throw new QuorateError('INVALID_REQUEST', `more than ${mostTargets} targets, or two with the same name`)
  const writes = targets.some(({ write }) => write)
  // The credentials of admin.conf are for servers of this node's own cluster, whatever CA the caller names.
  const caPem = request.caPem === '' || writes ? ((await clusterCa(tools.host)) ?? '') : request.caPem
  if (caPem === '' && targets.length > 0)
    throw new QuorateError('INVALID_REQUEST', 'this node has no cluster CA, and none came with the request')
  const credentials = writes ? await adminOf(tools.host) : undefined
  const everyMs = {
    read: Math.max(fastestMs, readEveryMs || usual.readMs),
    write: Math.max(fastestMs, writeEveryMs || usual.writeMs),
  }
  return { tools, targets, caPem, credentials, everyMs }
}

const adminOf = async (host: Host): Promise<ClientCredentials> =>
  credentialsOf(host, await readView(host, kubeconfigPaths.admin))
