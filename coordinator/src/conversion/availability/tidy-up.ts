import { systemClock } from '@quorate/shared/clock'
import type { NodeEntry } from '../../config/cluster-file.js'
import type { Agent } from '../../fleet/agent.js'

/** An agent that is just being restarted is back in seconds; nobody waits for longer because of a Lease that does no harm. */
const patienceMs = 8_000
const answerMs = 4_000
const pauseMs = 300

/** Has a control plane end its watch and delete the Lease that writes renewed: a watch of nothing does. Any of them can; never rejects. */
export async function tidyUp(controlPlanes: readonly NodeEntry[], agent: (node: NodeEntry) => Agent): Promise<void> {
  const nothing = { targets: [], readEveryMs: 0, writeEveryMs: 0, caPem: '' }
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await systemClock.sleep(pauseMs)) {
    for (const node of controlPlanes) {
      try {
        for await (const { seen } of agent(node).watchAvailability(nothing, { deadlineMs: answerMs }))
          if (seen.length === 0) return
      } catch {
        // The next one, or the same again.
      }
    }
  }
}
