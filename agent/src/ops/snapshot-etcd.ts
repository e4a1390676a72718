import { createHash } from 'node:crypto'
import { QuorateError } from '@quorate/shared/errors'
import type { SnapshotEtcdRequest } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import type { EtcdClient } from '../host/etcd.js'
import { SnapshotDigest } from './cluster/snapshot-digest.js'
import { type ChangeContext, changeOperation, doneIf } from './context/operation.js'
import { etcdSnapshotPath } from './context/paths.js'
import { changed } from './context/result.js'
import { isSnapshotKept } from './read-backup.js'

const reportEveryBytes = 64 * 1024 * 1024
/** etcd advises against databases above 8 GiB. */
const mostBytes = 16 * 2 ** 30
/** What a database may grow while it is read. */
const growthBytes = 64 * 2 ** 20

/** How much of a snapshot is written to this node's disk: an etcd that sends more than it said it has is not believed. */
const roomFor = (expected: number): number =>
  expected === 0 ? mostBytes : Math.min(2 * expected + growthBytes, mostBytes)
const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`

/** etcd's own snapshot, as etcdctl would save it: its bytes with etcd's sha256 at the end, which is verified during the transfer. */
export const snapshotEtcd = changeOperation<SnapshotEtcdRequest>(
  async (_, context) => {
    const etcd = await context.tools.etcd()
    try {
      return await saveSnapshot(etcd, context)
    } catch (error) {
      if (error instanceof QuorateError) throw error
      context.signal.throwIfAborted()
      throw new QuorateError(
        'ETCD_REFUSED',
        `the snapshot was interrupted: ${error instanceof Error ? error.message : error}`,
        { cause: error },
      )
    } finally {
      etcd.close()
    }
  },
  {
    // A snapshot gets its name only after its own hash was verified.
    evidence: async (_, { tools, header }) => {
      const { host, stateFolder } = tools
      return doneIf(await isSnapshotKept({ host, stateFolder, runId: header.runId }))
    },
  },
)

async function saveSnapshot(
  etcd: EtcdClient,
  { tools, header, signal, progress }: ChangeContext,
): Promise<OperationResult> {
  const path = etcdSnapshotPath(tools.stateFolder, header.runId)
  const { members, revision } = await etcd.members(signal)
  const expected = Math.max(0, ...members.map(({ status }) => status?.dbSizeBytes ?? 0))
  progress(`saving a snapshot of etcd, about ${mebibytes(expected)}`)
  const whole = createHash('sha256')
  const digest = new SnapshotDigest()
  const look = (chunk: Uint8Array): void => {
    const before = digest.size
    whole.update(chunk)
    digest.update(chunk)
    if (digest.size > roomFor(expected))
      throw new QuorateError('ETCD_REFUSED', `etcd sends more than ${mebibytes(roomFor(expected))} as its snapshot`)
    const [was, is] = [before, digest.size].map((bytes) => Math.floor(bytes / reportEveryBytes))
    if (was !== is) progress(`saved ${mebibytes(digest.size)} of about ${mebibytes(expected)}`)
  }
  const chunks = observe(etcd.snapshot(signal), look, () => digest.verify())
  await tools.host.replaceStream(path, tools.backups.sealStream(chunks), { mode: 0o600 })
  const sha256 = whole.digest('hex')
  return changed({
    summary: `saved a snapshot of etcd at revision ${revision} or later, ${mebibytes(digest.size)}, its hash verified`,
    touched: [{ name: path, sha256Before: '', sha256After: sha256 }],
    facts: { sha256, size_bytes: String(digest.size), revision },
  })
}

/** Inspects each chunk; `end` can still reject the whole before it is put in place. */
async function* observe(chunks: AsyncIterable<Uint8Array>, look: (chunk: Uint8Array) => void, end: () => void) {
  for await (const chunk of chunks) {
    look(chunk)
    yield chunk
  }
  end()
}
