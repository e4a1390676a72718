import { createHash } from 'node:crypto'
import { QuorateError } from '@quorate/shared/errors'

const hashBytes = 32
/** bbolt writes whole pages, whose size is a multiple of this. */
const pageUnit = 512

/**
 * Verifies the bytes of etcd's Snapshot call. The last 32 are the sha256 of all before (etcd, server/etcdserver/api/v3rpc/maintenance.go),
 * and the rest are whole pages.
 */
export class SnapshotDigest {
  private readonly hash = createHash('sha256')
  private tail: Buffer = Buffer.alloc(0)
  private count = 0

  /** Bytes so far, including the trailing hash. */
  get size(): number {
    return this.count
  }

  update(chunk: Uint8Array): void {
    this.count += chunk.length
    const held = Buffer.concat([this.tail, chunk])
    const settled = Math.max(0, held.length - hashBytes)
    this.hash.update(held.subarray(0, settled))
    this.tail = Buffer.from(held.subarray(settled))
  }

  /** Throws ETCD_REFUSED unless the bytes so far are a complete snapshot. */
  verify(): void {
    const size = this.count - hashBytes
    if (size <= 0 || size % pageUnit !== 0) throw damaged(`${this.count} bytes are not a snapshot and its hash`)
    if (!this.hash.digest().equals(this.tail)) throw damaged('its sha256 is not the one that etcd sent with it')
  }
}

const damaged = (why: string): QuorateError => new QuorateError('ETCD_REFUSED', `the snapshot is damaged: ${why}`)
