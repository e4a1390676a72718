import { QuorateError } from '@quorate/shared/errors'
import { nothingToUndo } from '../../engine/step.js'
import { defineStep } from '../context/step.js'
import { nodeOf } from '../endpoint/servers.js'
import { workRemains } from '../endpoint/work-remains.js'

interface KeptFiles {
  readonly facts: Readonly<Record<string, string>>
  readonly kept: { readonly path: string; readonly sha256: string; readonly bytes: number }
}

export const backUpFiles = defineStep({
  id: 'back-up-files',
  title: 'Back up every file and object that later steps touch',
  gate: 'Each node reports the sha256 of every file and object; an encrypted copy is kept off the node.',
  undo: 'None needed: only the backup was written.',
  width: 20,
  foreseen: [{ asks: 'room for the backup', checks: ['disk'] }],
  onResume: 'kept',
  async plan(run) {
    if (!(await workRemains(run))) return []
    return run.nodes.map(({ name }) => ({
      id: name,
      node: name,
      does: `copy ${name === run.first.name ? 'files and ConfigMaps' : 'files'} into this run's backup and keep an encrypted copy here`,
      diffs: [],
    }))
  },
  async apply(run, action, call): Promise<KeptFiles> {
    const node = nodeOf(run, action.node)
    const agent = run.agent(node)
    const { facts } = await agent.change('backUpFiles', { includeApiObjects: node === run.first }, call, 'back-up')
    const kept = await run.keepBackup(
      node.name,
      'files',
      agent.readBackup(run.id, 'files', run.backupRecipient, { deadlineMs: 120_000, signal: call.signal }),
    )
    return { facts, kept }
  },
  async verify(run, { node }, _signal, { facts, kept }) {
    if (kept.bytes === 0) {
      throw new QuorateError('STEP_FAILED', 'the kept backup of this node is empty', { where: node })
    }
    const objects = Object.keys(facts).filter((name) => name.startsWith('configmap/'))
    if (node === run.first.name && objects.length === 0) {
      throw new QuorateError('STEP_FAILED', 'the backup of the first control plane holds no ConfigMap', { where: node })
    }
    const hashes = Object.entries(facts).filter(([name, hash]) => /^(\/|configmap\/)/.test(name) && hash !== '')
    return [
      ...hashes.map(([name, hash]) => ({ what: `${node}:${name}`, saw: `sha256 ${hash}` })),
      { what: `kept as ${kept.path}`, saw: `${kept.bytes} bytes, sha256 ${kept.sha256}` },
    ]
  },
  rollback: nothingToUndo('a backup changes nothing'),
})
