import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'

/** etcd's member list with what each member says of itself. */
export interface EtcdFacts {
  readonly members: readonly EtcdMember[]
  readonly alarms: readonly string[]
  readonly clusterId: string
}
