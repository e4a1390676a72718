import type { NodeName } from '@quorate/shared/names'

/** A node of this fleet, as `enroll` recorded it. */
export interface EnrolledNode {
  readonly name: NodeName
  /** `host:port` of its agent. */
  readonly agent: string
  /** Unix milliseconds. */
  readonly enrolledAt: number
  /** When its certificate ends; unix milliseconds. */
  readonly certificateExpiresAt: number
}
