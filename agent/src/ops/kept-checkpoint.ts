import { type Checkpoint, openCheckpoint } from '@quorate/shared/checkpoint'
import { QuorateError } from '@quorate/shared/errors'
import type { Tools } from './context/tools.js'

/** What a node keeps of one log. */
export interface KeptCheckpoint {
  /** Pinned when the first checkpoint came. */
  readonly verifier: string
  readonly checkpoint: string
}

/** A node belongs to one fleet; a few more are from before it was enrolled again. */
const mostLogs = 16

const folderOf = (stateFolder: string): string => `${stateFolder}/checkpoints`
/** `origin` is quorate/ and twelve hexadecimal digits. */
const pathOf = (stateFolder: string, origin: string): string =>
  `${folderOf(stateFolder)}/${origin.slice('quorate/'.length)}.json`

/** The kept checkpoint of a log; undefined if there is none. CHECKPOINT_REFUSED if the file is none. */
export async function readKept(
  { host, stateFolder }: Tools,
  origin: string,
): Promise<(KeptCheckpoint & { readonly tree: Checkpoint }) | undefined> {
  const path = pathOf(stateFolder, origin)
  const file = await host.read(path)
  if (file === undefined) return undefined
  const kept = parsed(file.bytes.toString('utf8'))
  if (kept === undefined)
    throw new QuorateError('CHECKPOINT_REFUSED', `${path} is not what this agent wrote`, { where: path })
  return { ...kept, tree: openCheckpoint(kept.checkpoint, kept.verifier) }
}

function parsed(text: string): KeptCheckpoint | undefined {
  try {
    const { verifier, checkpoint } = JSON.parse(text) as Partial<KeptCheckpoint>
    return typeof verifier === 'string' && typeof checkpoint === 'string' ? { verifier, checkpoint } : undefined
  } catch {
    return undefined
  }
}

export async function writeKept({ host, stateFolder }: Tools, origin: string, kept: KeptCheckpoint): Promise<void> {
  const path = pathOf(stateFolder, origin)
  const isNew = (await host.look(path)) === undefined
  if (isNew && (await host.list(folderOf(stateFolder))).length >= mostLogs)
    throw new QuorateError('CHECKPOINT_REFUSED', `this node keeps checkpoints of ${mostLogs} logs already`, {
      where: folderOf(stateFolder),
    })
  await host.replace(path, Buffer.from(JSON.stringify(kept)), { mode: 0o600 })
}
