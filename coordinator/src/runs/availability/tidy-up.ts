import { systemClock } from '@quorate/shared/clock'
import { asQuorateError, type ErrorCode } from '@quorate/shared/errors'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Agent } from '../../fleet/agent.js'

/** A restarting agent is back within seconds; a harmless Lease is not worth a longer wait. */
const patienceMs = 8_000
const answerMs = 4_000
const pauseMs = 300
const mayDoLater: readonly ErrorCode[] = ['AGENT_UNREACHABLE', 'API_SERVER_REFUSED', 'INTERRUPTED']

/** Makes a control plane end its watch and delete the Lease that the writes renewed, with a watch of no targets. Any of them can; never rejects. */
export async function tidyUp(controlPlanes: readonly NodeEntry[], agent: (node: NodeEntry) => Agent): Promise<void> {
  const nothing = { targets: [], readEveryMs: 0, writeEveryMs: 0, caPem: '' }
  const left = new Set(controlPlanes)
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline && left.size > 0; ) {
    for (const node of left) {
      try {
        for await (const { seen } of agent(node).watchAvailability(nothing, { deadlineMs: answerMs }))
          if (seen.length === 0) return
      } catch (error) {
        // The next one, or the same again; one that refuses for another reason is not tried again.
        if (!mayDoLater.includes(asQuorateError(error).code)) left.delete(node)
      }
    }
    if (left.size > 0) await systemClock.sleep(pauseMs)
  }
}
