import type { EtcdMember } from '@quorate/shared/gen/quorate/v1/facts'

/** etcd's v3 API over gRPC with the node's own pki/etcd/healthcheck-client certificate. */
export interface EtcdClient {
  /** Members with each endpoint's own status (absent where it does not answer within 3 s), alarms and the cluster id (hex). */
  members(signal?: AbortSignal): Promise<{ members: EtcdMember[]; alarms: string[]; clusterId: string }>
  /** The snapshot stream: bytes as etcd sends them, its own 32 byte sha256 at the end. */
  snapshot(signal?: AbortSignal): AsyncIterable<Uint8Array>
  removeMember(id: string, signal?: AbortSignal): Promise<void>
  promoteMember(id: string, signal?: AbortSignal): Promise<void>
  close(): void
}
