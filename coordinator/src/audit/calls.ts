import { QuorateError } from '@quorate/shared/errors'
import type { EnrolledNode } from '../config/enrolled-node.js'
import type { Fleet } from '../fleet/fleet.js'

/** One call to an agent, as that agent recorded it. */
export interface RecordedCall {
  readonly at: string
  readonly method: string
  readonly caller: string
  readonly fingerprint: string
  readonly from: string
  readonly run?: string
  readonly operation?: string
  readonly outcome: string
}

const longestText = 300

/** The newest calls of a node's agent, oldest first. USAGE where no such node is enrolled. */
export async function callsOf(
  name: string,
  newest: number,
  nodes: readonly EnrolledNode[],
  fleet: Fleet,
): Promise<readonly RecordedCall[]> {
  const node = nodes.find((one) => one.name === name)
  if (node === undefined)
    throw new QuorateError('USAGE', `no node ${name} is enrolled`, { remedy: '`quorate nodes` lists them.' })
  const agent = fleet.agent({ name: node.name, address: node.agent, agent: node.agent })
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
