import type { EtcdMember, EtcdStatus } from '@quorate/shared/gen/quorate/v1/facts'

export interface EtcdMembership {
  readonly members: EtcdMember[]
  /** `NOSPACE on 8e9e05c52164694d`; an alarm list that cannot be read says so here, for silence would look like health. */
  readonly alarms: string[]
  readonly clusterId: string
  /** Of the local member's store; decimal. */
  readonly revision: string
}

/** etcd's v3 API over gRPC with the node's own pki/etcd/healthcheck-client certificate. */
export interface EtcdClient {
  /** Members with each endpoint's own status (absent where it does not answer within 3 s), alarms, the cluster id (hex) and the store's revision. */
  members(signal?: AbortSignal): Promise<EtcdMembership>
  /** What this node's own member says of itself: the one question that a learner answers too. `memberId` (hex) is who it is. */
  ownStatus(signal?: AbortSignal): Promise<EtcdStatus & { readonly memberId: string }>
  /** The snapshot stream: bytes as etcd sends them, its own 32 byte sha256 at the end. */
  snapshot(signal?: AbortSignal): AsyncIterable<Uint8Array>
  /**
   * `off`; `root` where authentication is enabled and this client has the role root, which adding, promoting and removing members and a snapshot
   * need; else etcd's own words. It answers the question itself to a client with that role only (tried with 3.5.15).
   */
  authentication(signal?: AbortSignal): Promise<string>
  /** Common name of the client certificate: the user that etcd takes this client for. */
  readonly clientName: string
  /** How far this node's own member and another one (its client URL) are, at the same moment: Raft's index of what is committed. */
  indexes(other: string, signal?: AbortSignal): Promise<readonly [number, number]>
  /** Has this node's own member, which leads, hand over to another voter: nobody has to miss a leader first, as when it ends. */
  moveLeader(id: string, signal?: AbortSignal): Promise<void>
  removeMember(id: string, signal?: AbortSignal): Promise<void>
  /** Tells the others where a member is met: its peer URLs, whole. */
  updateMember(id: string, peerUrls: readonly string[], signal?: AbortSignal): Promise<void>
  promoteMember(id: string, signal?: AbortSignal): Promise<void>
  close(): void
}
