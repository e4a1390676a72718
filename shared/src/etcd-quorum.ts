import type { EtcdMember } from './gen/quorate/v1/facts.js'

/** A member that answers for itself, knows a leader and reports no error. */
const isHealthy = ({ status }: EtcdMember): boolean =>
  status !== undefined && status.errors.length === 0 && status.leaderId !== '0'

export interface QuorumForecast {
  readonly voters: number
  readonly healthy: number
  /** True when more than half of the voters are healthy. */
  readonly holds: boolean
}

/** Quorum of the voters among these members; learners have no vote. */
export function forecastQuorum(members: readonly EtcdMember[]): QuorumForecast {
  const voters = members.filter(({ learner }) => !learner)
  const healthy = voters.filter(isHealthy).length
  return { voters: voters.length, healthy, holds: healthy > voters.length / 2 }
}
