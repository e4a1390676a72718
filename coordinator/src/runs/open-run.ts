import { QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'
import type { ClusterFile } from '../config/cluster-file.js'
import { parseClusterFile } from '../config/parse-cluster-file.js'
import { silentNodes } from '../conversion/checks/assess.js'
import { acceptedOf } from '../conversion/context/accepted.js'
import type { MayMiss } from '../conversion/context/roll-call.js'
import type { ConversionRun } from '../conversion/context/run.js'
import { foldRun, type RunState } from '../engine/fold.js'
import type { StartRequest } from './convert.js'
import { orderOfRun } from './fix-order.js'
import { type HeldCluster, holdCluster, orGiveBack } from './hold-cluster.js'
import type { Session, StartedRun } from './session.js'
import { orderOf } from './session-run.js'

/** A run of the past that this process goes on with. */
export interface OpenRun {
  readonly held: HeldCluster
  readonly state: RunState
}

/** The cluster file as the journal keeps it: a journal stands alone. RUN_OVER where nothing was begun. */
export function clusterFileOf(state: RunState): ClusterFile {
  if (state.clusterFile === '') {
    throw new QuorateError('RUN_OVER', `run ${state.id} ended before it began: its journal has no cluster file`, {
      remedy: 'Nothing was changed by it. Run `quorate convert` again.',
    })
  }
  return parseClusterFile(state.clusterFile, `journal of ${state.id}`)
}

/** RUN_OVER for a drill: its nodes put back by themselves what it stopped, so nothing is left to go on with or to undo. */
export function requireConversion({ id, purpose }: RunState): void {
  if (purpose !== 'drill') return
  throw new QuorateError('RUN_OVER', `run ${id} is a drill: it is neither resumed nor rolled back`, {
    remedy: 'What it stopped comes back by itself. `quorate verify` says when all is well, then drill again.',
  })
}

export interface OpenOptions {
  readonly onEvent: StartRequest['onEvent']
  /** Who may be missing, by what the run did so far. */
  mayMiss(state: RunState, file: ClusterFile): MayMiss
}

/** Takes the cluster with a number above the journal's, and opens the journal to go on with it. */
async function openRun(session: Session, id: RunId, { onEvent, mayMiss }: OpenOptions): Promise<OpenRun> {
  const before = { ...foldRun(await session.runs.read(id)), id }
  const file = clusterFileOf(before)
  let state: RunState = before
  let spared: MayMiss = () => false
  const held = await holdCluster(session, {
    id,
    file,
    // What a fix is for may be behind on any node, however often it is resumed.
    ...(before.purpose === 'fix' ? {} : { returning: before.missing.map(({ node }) => node) }),
    // A fix told what remains before it began.
    ...(before.purpose === 'fix' ? {} : { accepted: acceptedOf(before.findings) }),
    order: orderOfRun(before, orderOf(session)),
    mayMiss: (node) => spared(node),
    above: before.fencingToken,
    onEvent,
    async open() {
      // Read again under the lease: another process may have gone on with it in between.
      const { journal, events } = await session.runs.reopen(id)
      state = foldRun(events)
      spared = mayMiss(state, file)
      return { journal, state }
    },
  })
  return { held, state }
}

/**
 * Goes on with a run under the cluster's lease, once everybody who is needed answers. Where `begin` refuses, nothing was done and the
 * cluster is given back.
 */
export async function goOnWith(
  session: Session,
  id: RunId,
  options: OpenOptions,
  begin: (open: OpenRun) => Promise<StartedRun>,
): Promise<StartedRun> {
  const open = await openRun(session, id, options)
  return orGiveBack(open.held, async () => {
    await requireAnswers(open.held.run)
    return begin(open)
  })
}

/** AGENT_UNREACHABLE, naming every node that does not answer and cannot be done without: nothing is begun while one is silent. */
export async function requireAnswers(run: ConversionRun): Promise<void> {
  const silent = (await silentNodes(run)).filter(({ severity }) => severity === 'error')
  const [first] = silent
  if (first === undefined) return
  const list = silent.map(({ node, message }) => `${node}: ${message}`).join('; ')
  throw new QuorateError(
    'AGENT_UNREACHABLE',
    `nothing was begun, because ${silent.length} of the nodes are silent: ${list}`,
    {
      ...(first.node === undefined ? {} : { where: first.node }),
      remedy: first.remedy,
    },
  )
}
