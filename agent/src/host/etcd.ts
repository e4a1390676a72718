import type { EtcdMember, EtcdStatus } from '@quorate/shared/gen/quorate/v1/facts'

export interface EtcdMembership {
  readonly members: EtcdMember[]
  /** `NOSPACE on 8e9e05c52164694d`; an unreadable alarm list is reported here, because an empty one means health. */
  readonly alarms: string[]
  readonly clusterId: string
  /** Revision of the local member's store; decimal. */
  readonly revision: string
}

/** etcd's v3 API over gRPC with the node's own pki/etcd/healthcheck-client certificate. */
export interface EtcdClient {
  /** Members with each endpoint's own status (absent if it does not answer within 3 s), alarms, the cluster id (hex) and the store's revision. */
  members(signal?: AbortSignal): Promise<EtcdMembership>
  /** As the member that answers has it in its own store, without a quorum: no alarms, and of no member what it says itself. */
  localList(signal?: AbortSignal): Promise<EtcdMembership>
  /** The status of this node's own member, the one request that a learner answers too. `memberId` (hex) identifies it. */
  ownStatus(signal?: AbortSignal): Promise<EtcdStatus & { readonly memberId: string }>
  /** The snapshot stream: bytes from etcd, followed by its own 32 byte sha256. */
  snapshot(signal?: AbortSignal): AsyncIterable<Uint8Array>
  /**
   * `off`; `root` if authentication is enabled and this client has the role root, which is needed to add, promote and remove members and to take
   * a snapshot; otherwise etcd's message. etcd answers this request only to a client with that role (tried with 3.5.15).
   */
  authentication(signal?: AbortSignal): Promise<string>
  /** Common name of the client certificate: the user that etcd maps this client to. */
  readonly clientName: string
  /** Raft's committed index of this node's own member and of another one (its client URL), at the same moment. */
  indexes(other: string, signal?: AbortSignal): Promise<readonly [number, number]>
  /** Makes this node's own member, the leader, hand over to another voter: there is no election timeout, unlike when it stops. */
  moveLeader(id: string, signal?: AbortSignal): Promise<void>
  /**
   * Deletes the key with which this node's API server tells the others that it serves. It writes the key again every ten seconds, and until then
   * none of them puts its address back into the endpoints of default/kubernetes (k8s.io/kubernetes pkg/controlplane/reconcilers, lease.go).
   */
  forgetApiServer(signal?: AbortSignal): Promise<void>
  /** etcd's revision when it wrote that key, another one after each of its turns; undefined if there is no such key. */
  apiServerWrote(signal?: AbortSignal): Promise<string | undefined>
  removeMember(id: string, signal?: AbortSignal): Promise<void>
  /** Updates the peer URLs of a member, as a whole. */
  updateMember(id: string, peerUrls: readonly string[], signal?: AbortSignal): Promise<void>
  promoteMember(id: string, signal?: AbortSignal): Promise<void>
  close(): void
}
