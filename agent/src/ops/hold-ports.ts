import { QuorateError } from '@quorate/shared/errors'
import type { HoldPortsRequest, HoldPortsResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { streamOperation } from './operation.js'

const mostPorts = 32
const longestMs = 10 * 60_000

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
  try {
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
  }
})

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
