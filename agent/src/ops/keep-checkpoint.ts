import { openCheckpoint } from '@quorate/shared/checkpoint'
import { QuorateError } from '@quorate/shared/errors'
import type { KeepCheckpointRequest, KeepCheckpointResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { isConsistent } from '@quorate/shared/merkle'
import { readOperation } from './context/operation.js'
import type { Tools } from './context/tools.js'
import { readKept, writeKept } from './kept-checkpoint.js'

/** One at a time: between the look at what is kept and the write of what follows it nothing else may be kept. */
let turn: Promise<unknown> = Promise.resolve()

/**
 * Keeps a checkpoint that provably continues the kept one, and answers with what is kept. A smaller one, or a proof from another size, changes
 * nothing: the caller sees in the answer where to begin. CHECKPOINT_REFUSED where the history was rewritten, or another key signs it.
 */
export const keepCheckpoint = readOperation<KeepCheckpointRequest, KeepCheckpointResponse>((request, tools) => {
  const kept = turn.then(() => keep(request, tools))
  turn = kept.catch(() => undefined)
  return kept
})

async function keep(request: KeepCheckpointRequest, tools: Tools): Promise<KeepCheckpointResponse> {
  const { verifier, checkpoint, proof, fromSize } = request
  const shown = openCheckpoint(checkpoint, verifier)
  const kept = await readKept(tools, shown.origin)
  if (kept !== undefined) {
    if (kept.verifier !== verifier) throw refused('another key signed it than the one that this node saw first')
    if (shown.size < kept.tree.size || fromSize !== kept.tree.size) return { checkpoint: kept.checkpoint }
    if (
      !isConsistent(
        kept.tree,
        shown,
        proof.map((hash) => Buffer.from(hash, 'hex')),
      )
    )
      throw refused(`its first ${kept.tree.size} entries are not those that this node was shown before`)
  }
  await writeKept(tools, shown.origin, { verifier, checkpoint })
  return { checkpoint }
}

const refused = (why: string) => new QuorateError('CHECKPOINT_REFUSED', `the checkpoint is refused: ${why}`)
