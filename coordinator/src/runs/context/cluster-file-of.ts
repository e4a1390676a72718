import { QuorateError } from '@quorate/shared/errors'
import type { ClusterFile } from '../../config/cluster-file.js'
import { parseClusterFile } from '../../config/parse-cluster-file.js'
import type { RunState } from '../../engine/fold.js'

/** The cluster file from the journal, which is self-contained. RUN_OVER where nothing was begun. */
export function clusterFileOf(state: RunState): ClusterFile {
  if (state.clusterFile === '') {
    throw new QuorateError('RUN_OVER', `run ${state.id} ended before it began: its journal has no cluster file`, {
      remedy: 'It changed nothing. Run `quorate convert` again.',
    })
  }
  return parseClusterFile(state.clusterFile, `journal of ${state.id}`)
}
