import type { RecordedCall } from '@quorate/shared/recorded-call'
import { type EnrolledNode, enrolledAs, entryOf } from '../config/enrolled-node.js'
import type { Fleet } from '../fleet/fleet.js'

const longestText = 300

/** The newest calls of a node's agent, oldest first. USAGE where no such node is enrolled. */
export async function callsOf(
  name: string,
  newest: number,
  nodes: readonly EnrolledNode[],
  fleet: Fleet,
): Promise<readonly RecordedCall[]> {
  const agent = fleet.agent(entryOf(enrolledAs(nodes, name)))
  const { calls } = await agent.read('listCalls', { newest })
  return calls.slice(-newest).flatMap(callOf)
}

/** An agent may answer with anything: what is no call is left out, texts are cut. */
function callOf(line: string): readonly RecordedCall[] {
  try {
    const said = JSON.parse(line) as Record<string, unknown> | null
    const text = (key: string) => String(said?.[key] ?? '').slice(0, longestText)
    const at = new Date(text('at'))
    if (Number.isNaN(at.getTime()) || text('method') === '') return []
    const more = ['run', 'operation'].filter((key) => said?.[key] !== undefined).map((key) => [key, text(key)])
    return [
      {
        ...{ at: at.toISOString(), method: text('method'), caller: text('caller'), fingerprint: text('fingerprint') },
        ...{ from: text('from'), outcome: text('outcome'), ...Object.fromEntries(more) },
      },
    ]
  } catch {
    return []
  }
}
