import { QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'
import type { ClusterFile } from '../config/cluster-file.js'
import { silentNodes } from '../conversion/checks/assess.js'
import { acceptedOf } from '../conversion/context/accepted.js'
import type { MayMiss } from '../conversion/context/roll-call.js'
import type { ConversionRun } from '../conversion/context/run.js'
import { foldRun, type RunState } from '../engine/fold.js'
import { clusterFileOf } from './context/cluster-file-of.js'
import type { Session, StartedRun } from './context/session.js'
import type { StartRequest } from './convert.js'
import { orderOfRun } from './fix-order.js'
import { type HeldCluster, holdCluster, orGiveBack } from './hold-cluster.js'
import { orderOf } from './session-run.js'

/** An earlier run that this process continues. */
export interface OpenRun {
  readonly held: HeldCluster
  readonly state: RunState
}

/** RUN_OVER for a drill: its nodes restart by themselves what it stopped, so there is nothing to resume or undo. */
export function requireConversion({ id, purpose }: RunState): void {
  if (purpose !== 'drill') return
  throw new QuorateError('RUN_OVER', `run ${id} is a drill: it can be neither resumed nor rolled back`, {
    remedy: 'What it stopped restarts by itself. When `quorate verify` succeeds, run the drill again.',
  })
}

export interface OpenOptions {
  readonly onEvent: StartRequest['onEvent']
  /** Which nodes may be missing, given what the run did so far. */
  mayMiss(state: RunState, file: ClusterFile): MayMiss
}

/** Takes the cluster's lease with a token above the journal's, and opens the journal to continue it. */
async function openRun(session: Session, id: RunId, { onEvent, mayMiss }: OpenOptions): Promise<OpenRun> {
  const before = { ...foldRun(await session.runs.read(id)), id }
  const file = clusterFileOf(before)
  let state: RunState = before
  let spared: MayMiss = () => false
  const held = await holdCluster(session, {
    id,
    file,
    // In a fix any node may be behind, however often it is resumed.
    ...(before.purpose === 'fix' ? {} : { returning: before.missing.map(({ node }) => node) }),
    // A fix reported what remains before it began.
    ...(before.purpose === 'fix' ? {} : { accepted: acceptedOf(before.findings) }),
    order: orderOfRun(before, orderOf(session)),
    mayMiss: (node) => spared(node),
    above: before.fencingToken,
    onEvent,
    async open() {
      // Read again under the lease: another process may have continued it in between.
      const { journal, events } = await session.runs.reopen(id)
      state = foldRun(events)
      spared = mayMiss(state, file)
      return { journal, state }
    },
  })
  return { held, state }
}

/**
 * Continues a run under the cluster's lease, once every required node answers. Where `begin` refuses, nothing was done and the cluster is
 * released.
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

/** AGENT_UNREACHABLE with every required node that does not answer: nothing is begun while one is unreachable. */
export async function requireAnswers(run: ConversionRun): Promise<void> {
  const silent = (await silentNodes(run)).filter(({ severity }) => severity === 'error')
  const [first] = silent
  if (first === undefined) return
  const list = silent.map(({ node, message }) => `${node}: ${message}`).join('; ')
  throw new QuorateError(
    'AGENT_UNREACHABLE',
    `nothing was started: ${silent.length} ${silent.length === 1 ? 'node does' : 'nodes do'} not answer: ${list}`,
    {
      ...(first.node === undefined ? {} : { where: first.node }),
      remedy: first.remedy,
    },
  )
}
