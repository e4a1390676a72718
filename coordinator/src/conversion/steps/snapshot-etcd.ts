import { QuorateError } from '@quorate/shared/errors'
import { nothingToUndo } from '../../engine/step.js'
import { defineStep } from '../context/step.js'
import { workRemains } from '../endpoint/work-remains.js'

interface Snapshot {
  readonly facts: Readonly<Record<string, string>>
  readonly kept: { readonly path: string; readonly sha256: string; readonly bytes: number }
}

export const snapshotEtcd = defineStep({
  id: 'snapshot-etcd',
  title: 'Back up etcd',
  gate: "The snapshot's own hash, its revision and its size are valid; an encrypted copy is kept off the node.",
  undo: 'None needed: only the backup was written.',
  width: 1,
  foreseen: [{ asks: 'a complete snapshot of an etcd that answers', checks: ['etcd-health', 'disk'] }],
  onResume: 'kept',
  async plan(run) {
    if (!(await workRemains(run))) return []
    return [
      {
        id: run.first.name,
        node: run.first.name,
        does: 'save a snapshot of etcd, verify it, keep an encrypted copy here',
        diffs: [],
      },
    ]
  },
  async apply(run, _action, call): Promise<Snapshot> {
    const agent = run.agent(run.first)
    const { facts } = await agent.change('snapshotEtcd', {}, call, 'snapshot')
    const kept = await run.keepBackup(
      run.first.name,
      'etcd',
      agent.readBackup(run.id, 'etcd', run.backupRecipient, { deadlineMs: 600_000, signal: call.signal }),
    )
    return { facts, kept }
  },
  async verify(run, _action, _signal, { facts, kept }) {
    const [size, revision, sha256] = [
      Number(facts['size_bytes'] ?? 0),
      Number(facts['revision'] ?? 0),
      facts['sha256'] ?? '',
    ]
    // Encryption adds a little: a kept file smaller than the snapshot is truncated.
    if (sha256 === '' || !(revision > 0) || !(size > 0) || kept.bytes < size) {
      throw new QuorateError(
        'STEP_FAILED',
        `the snapshot is not complete: ${size} bytes at revision ${revision}, sha256 ${sha256 || 'unknown'}, ${kept.bytes} bytes kept`,
        { where: run.first.name },
      )
    }
    return [
      { what: 'etcd snapshot', saw: `${size} bytes, revision ${revision}, sha256 ${sha256}` },
      { what: `kept as ${kept.path}`, saw: `${kept.bytes} bytes, sha256 ${kept.sha256}` },
    ]
  },
  rollback: nothingToUndo('a snapshot changes nothing'),
})
