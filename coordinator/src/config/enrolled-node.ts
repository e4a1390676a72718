import { QuorateError } from '@quorate/shared/errors'
import type { NodeName } from '@quorate/shared/names'
import type { NodeEntry } from './cluster-file.js'

/** A node of this fleet, as `enroll` recorded it. */
export interface EnrolledNode {
  readonly name: NodeName
  /** `host:port` of its agent. */
  readonly agent: string
  /** Unix milliseconds. */
  readonly enrolledAt: number
  /** When its certificate began; unix milliseconds. Unset: as an earlier version recorded it, for 825 days. */
  readonly certificateBeganAt?: number | undefined
  /** When its certificate ends; unix milliseconds. */
  readonly certificateExpiresAt: number
}

/** As what a fleet connects to it. */
export const entryOf = ({ name, agent }: EnrolledNode): NodeEntry => ({ name, address: agent, agent })

/** The node of that name; USAGE where none is enrolled. */
export function enrolledAs(nodes: readonly EnrolledNode[], name: string): EnrolledNode {
  const node = nodes.find((one) => one.name === name)
  if (node !== undefined) return node
  throw new QuorateError('USAGE', `no node ${name} is enrolled`, { remedy: '`quorate nodes` lists them.' })
}
