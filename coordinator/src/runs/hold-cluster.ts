import { systemClock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import type { RunId } from '@quorate/shared/names'
import type { ClusterFile, NodeEntry } from '../config/cluster-file.js'
import type { MayMiss } from '../conversion/context/roll-call.js'
import type { ConversionRun } from '../conversion/context/run.js'
import type { ConversionStep } from '../conversion/context/step.js'
import { isMissing, type MissingNode } from '../engine/absence.js'
import { isEnd, type RecordedEvent, type RunEvent } from '../engine/events.js'
import { applyEvent, foldRun, type RunState } from '../engine/fold.js'
import type { Journal } from '../engine/journal.js'
import type { Lease } from '../engine/lease.js'
import type { RunContext } from '../engine/operations.js'
import type { RecordedFinding } from '../engine/recorded-finding.js'
import type { RunOutcome } from '../engine/run-order.js'
import { withExplanations } from '../failures/with-explanations.js'
import type { Fleet } from '../fleet/fleet.js'
import type { MayStart } from './approvals/require.js'
import type { RunWatch } from './availability/run-watch.js'
import type { Session, StartedRun } from './context/session.js'
import { conversionRun } from './session-run.js'
import { withPictures } from './take-picture.js'

export interface HoldRequest {
  readonly id: RunId
  readonly file: ClusterFile
  /** Which nodes may be missing. */
  readonly mayMiss: MayMiss
  /** Nodes that are missing from the beginning. */
  readonly missing?: readonly MissingNode[]
  /** Errors of the plan that the operator accepted with a reason. */
  readonly accepted?: readonly RecordedFinding[]
  /** Nodes that an earlier process of the run set aside. */
  readonly returning?: readonly string[]
  /** The order, where it is not the whole one. */
  readonly order?: readonly ConversionStep[]
  /** Fencing token in the journal: the new one is higher. */
  readonly above?: number
  readonly onEvent?: ((event: RecordedEvent) => void) | undefined
  /** Creates or opens the journal once the cluster is held; with its present state. */
  open(): Promise<{ readonly journal: Journal; readonly state?: RunState }>
}

/** What a run needs while it holds its cluster. */
export interface Held {
  readonly run: ConversionRun
  readonly context: RunContext
  readonly stop: AbortSignal
  emit(event: RunEvent): Promise<void>
}

export interface HeldCluster extends Held {
  /** Starts the work; resolves when its first event is in the journal. Releases the cluster when the work ends. */
  start(may: MayStart, work: (held: Held) => Promise<RunOutcome>): Promise<StartedRun>
  /** Releases the cluster without having done anything. */
  release(): Promise<void>
}

/** Takes a cluster's lease, opens the run's journal and connects to the agents; nothing is held when one of them fails. */
export async function holdCluster(session: Session, request: HoldRequest): Promise<HeldCluster> {
  const { id, file, mayMiss, missing = [], accepted, returning, order, above, onEvent } = request
  const lease = await session.leases.acquire(file.name, id, above)
  const { journal, state = foldRun([]) } = await request.open().catch(async (error: unknown) => {
    await lease.release()
    throw error
  })
  const fleet = session.connect()
  const stop = new AbortController()
  const { record, begun } = recorder({ journal, lease, onEvent })
  const run = conversionRun(session, fleet, { id, file, mayMiss, missing, accepted, returning, order })
  const watch = session.watch?.({
    run,
    state,
    agent: (node) => fleet.agent(node),
    record: (seen) => record({ kind: 'availability', ...seen }),
    stop: (reason) => stop.abort(reason),
  })
  const release = () => {
    watch?.drop()
    return giveBack({ fleet, journal, lease })
  }
  const held: Held = {
    run,
    context: { runId: id, cluster: file.name, fencingToken: lease.fencingToken, explain: withExplanations },
    stop: stop.signal,
    emit: emitter(record, watch, state),
  }
  return {
    ...held,
    release,
    async start(_may, work) {
      await shutOthersOut(held)
      const ended = work({ ...held, emit: withPictures(held) }).finally(release)
      await Promise.race([begun, ended])
      return { id, stop: () => stop.abort(), ended }
    },
  }
}

interface Recording {
  readonly journal: Journal
  readonly lease: Lease
  readonly onEvent: HoldRequest['onEvent']
}

type Recorder = (event: RunEvent) => Promise<RecordedEvent>

/** Writes events under a lease; `begun` resolves with the first one that is in the journal. */
export function recorder({ journal, lease, onEvent }: Recording): {
  readonly record: Recorder
  readonly begun: Promise<void>
} {
  let recordedOne = () => {}
  const begun = new Promise<void>((resolve) => {
    recordedOne = resolve
  })
  const record: Recorder = async (event) => {
    // A process that was paused and lost the lease must not write into a journal that another one continues.
    if (event.kind !== 'progress') await lease.requireHeld()
    const recorded = await journal.append(event)
    recordedOne()
    onEvent?.(recorded)
    return recorded
  }
  return { record, begun }
}

/** Records each event and shows the watch what it leads to. */
function emitter(record: Recorder, watch: RunWatch | undefined, state: RunState): Held['emit'] {
  let now = state
  return async (event) => {
    // The last of what the watch saw is recorded before the end.
    if (isEnd(event)) await watch?.end()
    const recorded = await record(event)
    // Read after the wait: another event may have come in between.
    now = applyEvent(now, recorded)
    watch?.saw(event, now)
  }
}

/** Begins work on a held cluster; where that fails the cluster is released. */
export async function orGiveBack<T>(held: HeldCluster, begin: () => Promise<T>): Promise<T> {
  try {
    return await begin()
  } catch (error) {
    await held.release()
    throw error
  }
}

/** A restarting agent is back within seconds. */
const restartMs = 10_000

/**
 * Raises the fence of every agent to this lease's token before anything is done under it: every agent then refuses an earlier coordinator, paused or
 * on another machine, including agents of nodes that this run changes last or never. A missing node learns the token with its first
 * operation.
 */
async function shutOthersOut({ run, context: { cluster, fencingToken } }: Held): Promise<void> {
  const tell = (node: NodeEntry) => run.agent(node).read('raiseFence', { cluster, fencingToken })
  await Promise.all(
    run.machines.map(async (node) => {
      for (const deadline = Date.now() + restartMs; ; await systemClock.sleep(500)) {
        if (isMissing(run.absence, node.name)) return
        try {
          return await tell(node)
        } catch (error) {
          if (!isUnreachable(error) || Date.now() > deadline) throw error
        }
      }
    }),
  )
}

const isUnreachable = (error: unknown): boolean => error instanceof QuorateError && error.code === 'AGENT_UNREACHABLE'

async function giveBack(parts: { fleet: Fleet; journal: Journal; lease: Lease }): Promise<void> {
  parts.fleet.close()
  await parts.journal.close()
  await parts.lease.release()
}
