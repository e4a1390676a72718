import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'

/** etcd's member list with the status that each member reports. */
export interface EtcdFacts {
  readonly members: readonly EtcdMember[]
  readonly alarms: readonly string[]
  readonly clusterId: string
}
