import { QuorateError } from '@quorate/shared/errors'
import type { HoldPortsRequest, HoldPortsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { streamOperation } from './context/operation.js'

const mostPorts = 32
const longestMs = 10 * 60_000
/** A run holds the ports of a node once, and a plan beside it. */
const mostAtOnce = 8
const holders = new WeakMap<object, number>()

/** Counts a caller that holds ports of this network; NODE_BUSY for one too many. The returned function ends it. */
function take(network: object): () => void {
  const count = holders.get(network) ?? 0
  if (count >= mostAtOnce)
    throw new QuorateError('NODE_BUSY', `${mostAtOnce} callers hold ports of this node`, {
      remedy: 'Wait until they have finished: each lets go after ten minutes at most.',
    })
  holders.set(network, count + 1)
  return () => void holders.set(network, (holders.get(network) ?? 1) - 1)
}

/**
 * Listens with a temporary certificate so that another node can verify that it reaches this one, until the caller hangs up or the
 * deadline passes. A port in use is reported: its program can be reached itself.
 */
export const holdPorts = streamOperation<HoldPortsRequest, HoldPortsResponse>(async function* (request, tools, signal) {
  const { ports, deadlineMs, runId } = request
  if (ports.length > mostPorts || ports.some((port) => port < 1 || port > 65535)) {
    throw new QuorateError('INVALID_REQUEST', `more than ${mostPorts} ports: ${ports.join(', ')}`)
  }
  const look = tools.looks.begin(runId)
  let letGo = (): void => {}
  try {
    letGo = take(tools.network)
    const stop = AbortSignal.any([signal, look.signal])
    const held = await tools.network.holdPorts(ports, stop)
    try {
      const { listening, inUse, certificateSha256 } = held
      yield { listening: [...listening], inUse: [...inUse], certificateSha256 }
      await aborted(AbortSignal.any([stop, AbortSignal.timeout(Math.min(deadlineMs || longestMs, longestMs))]))
    } finally {
      await held.close()
    }
    look.signal.throwIfAborted()
  } finally {
    look.end()
    letGo()
  }
})

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
