import { systemClock } from '@quorate/shared/clock'
import { asQuorateError, QuorateError } from '@quorate/shared/errors'
import { parseRunId } from '@quorate/shared/names'
import { readCertificate } from '@quorate/shared/pki'
import { type EnrolledNode, entryOf } from '../../config/enrolled-node.js'
import { nobodyMissing } from '../../engine/absence.js'
import type { RecordedEvent, RunEvent } from '../../engine/events.js'
import { foldRun, type RunState } from '../../engine/fold.js'
import type { Journal } from '../../engine/journal.js'
import type { RunContext } from '../../engine/operations.js'
import { canonicalHash, type PlannedStep, planSteps } from '../../engine/plan.js'
import { rollbackOrder } from '../../engine/rollback-order.js'
import { newRunId } from '../../engine/run-id.js'
import { type RunOutcome, resumeOrder, runOrder } from '../../engine/run-order.js'
import type { RunStore } from '../../engine/run-store.js'
import type { FleetTrust } from '../../state/fleet-trust.js'
import type { RotationKeys } from '../../state/rotation.js'
import { listRuns } from '../context/read-runs.js'
import { revokedKeys } from '../context/revoked-keys.js'
import type { Session, StartedRun } from '../context/session.js'
import { recorder } from '../hold-cluster.js'
import { noIdentities, renewNow } from '../renew.js'
import { requireFree } from '../require-free.js'
import { isAmong, meet, type RotationRun, type RotationStep } from './context.js'
import { retirementOrder, rotationOrder } from './orders.js'

/** What a rotation of the root would do now, and what stands in its way. Plain data. */
export interface RotationPlan {
  readonly steps: readonly PlannedStep[]
  /** Set while one is under way: when it began, Unix milliseconds. */
  readonly since?: number
  /** SHA-256 of the root that gives way, while one is under way. */
  readonly givesWay?: string
}

export interface RotationRequest {
  /** Who starts it. */
  readonly startedBy: string
  onEvent?(event: RecordedEvent): void
}

/** The journals of rotations, and the roots that they exchange. STATE_NOT_INITIALISED where a session has neither. */
interface Parts {
  readonly session: Session
  readonly trust: FleetTrust
  readonly journals: RunStore
}

function partsOf(session: Session): Parts {
  const { trust, rotations: journals } = session
  if (trust === undefined || journals === undefined) throw noIdentities()
  return { session, trust, journals }
}

/** What the journal of the rotation that is under way holds; empty where there is none. */
export async function rotationSoFar(session: Session): Promise<readonly RecordedEvent[]> {
  const parts = partsOf(session)
  const last = (await parts.trust.rotation()) === undefined ? undefined : await lastOf(parts)
  return last === undefined ? [] : parts.journals.read(parseRunId(last.id))
}

/** What a rotation would do now. AGENT_UNREACHABLE where a node does not answer: every node has to learn the next root. */
export const planRotation = (session: Session): Promise<RotationPlan> =>
  planOf(session, (run) => planNow(rotationOrder, run))

/** What giving up the root of before would do now. USAGE where no rotation is under way or it has not ended. */
export const planRetirement = (session: Session): Promise<RotationPlan> => planOf(session, retirementNow)

const planNow = (order: readonly RotationStep[], run: RotationRun) => planSteps(order, run, { tolerant: false })

async function retirementNow(run: RotationRun): Promise<readonly PlannedStep[]> {
  if ((await planNow(rotationOrder, run)).some(({ actions }) => actions.length > 0))
    throw new QuorateError('USAGE', 'the next root has not taken over yet', {
      remedy: '`quorate root rotate` starts the rotation, or finishes the one that was started.',
    })
  return planNow(retirementOrder, run)
}

async function planOf(session: Session, plan: typeof retirementNow): Promise<RotationPlan> {
  const { trust } = partsOf(session)
  const run = await rotationRun(session, trust, undefined)
  await requireAnswers(run)
  const rotation = await trust.rotation()
  const steps = await plan(run)
  if (rotation === undefined) return { steps }
  return { steps, since: rotation.startedAt, givesWay: readCertificate(rotation.before.root).sha256 }
}

/** Starts the rotation, or finishes the one that was started. */
export async function startRotation(
  session: Session,
  { keys, ...request }: RotationRequest & { readonly keys: RotationKeys },
): Promise<StartedRun> {
  const parts = partsOf(session)
  const known = await lastOf(parts)
  const isGoingOn = known !== undefined && (await parts.trust.rotation()) !== undefined
  return held(parts, { ...request, state: isGoingOn ? known : undefined }, async ({ context, emit, stop, state }) => {
    const run = await rotationRun(session, parts.trust, keys)
    const approved = await planNow(rotationOrder, run)
    const planHash = canonicalHash(approved)
    const walk = { order: rotationOrder, run, approved, context, emit, stop }
    const resumed = { planHash, version: session.version, differences: [] }
    return () =>
      state === undefined
        ? runOrder({ ...walk, started: startOf(session, planHash, request) })
        : resumeOrder({ ...walk, state, resumed })
  })
}

/** Undoes the rotation that is under way. RUN_OVER where a node trusts the root of before no more. */
export async function startUndo(session: Session, request: RotationRequest): Promise<StartedRun> {
  const parts = partsOf(session)
  const [known, rotation] = [await lastOf(parts), await parts.trust.rotation()]
  if (known === undefined || rotation === undefined) throw noRotation()
  const run = await rotationRun(session, parts.trust, undefined)
  for (const node of run.nodes)
    if (!isAmong(rotation.before.root, (await meet(run, node)).roots))
      throw new QuorateError('RUN_OVER', `${node.name} has given up the root of before: it cannot be undone`, {
        where: node.name,
        remedy: '`quorate root retire` finishes it.',
      })
  const over = { undoes: () => true, asBefore: async () => [], absence: nobodyMissing }
  return held(
    parts,
    { ...request, state: known },
    async ({ context, emit, stop, state }) =>
      () =>
        rollbackOrder<RotationRun>({
          ...{ order: rotationOrder, run, context, state: state ?? known, emit, stop, ...over },
          started: { version: session.version, keepEndpoint: false, startedBy: request.startedBy },
          agent: () => neverAsked(),
          traces: () => neverAsked(),
        }),
  )
}

/** Gives up the root of before. CLUSTER_HELD while a run of a cluster is under way: its connections would end. */
export async function startRetirement(session: Session, request: RotationRequest): Promise<StartedRun> {
  const parts = partsOf(session)
  const clusters = new Set((await listRuns(session)).map(({ cluster }) => cluster))
  for (const cluster of clusters) if (cluster !== '') await requireFree(session, cluster)
  return held(parts, request, async ({ context, emit, stop }) => {
    const run = await rotationRun(session, parts.trust, undefined)
    const approved = await retirementNow(run)
    const started = { ...startOf(session, canonicalHash(approved), request), purpose: 'retirement' }
    return () => runOrder({ order: retirementOrder, run, approved, context, emit, stop, started })
  })
}

const noRotation = (): QuorateError =>
  new QuorateError('USAGE', 'no rotation of the root is under way', {
    remedy: '`quorate root show` shows the root of today; `quorate root rotate` starts a rotation.',
  })

/** Steps of a rotation send no operations that an agent records. */
function neverAsked(): never {
  throw new QuorateError('INTERNAL', 'a rotation has no operations on nodes')
}

const startOf = ({ version }: Session, planHash: string, { startedBy }: RotationRequest) => ({
  ...{ planHash, version, startedBy },
  ...{ clusterFile: '', ignored: {}, purpose: 'rotation' },
})

/** The last rotation, as its journal has it. */
async function lastOf({ journals }: Parts): Promise<RunState | undefined> {
  for (const id of await journals.list()) {
    const state = { ...foldRun(await journals.read(id)), id }
    if (state.purpose === 'rotation') return state
  }
  return undefined
}

interface Held {
  readonly context: RunContext
  readonly stop: AbortSignal
  /** Read again once no other process holds the fleet. */
  readonly state: RunState | undefined
  emit(event: RunEvent): Promise<void>
}

/** One process at a time changes the roots of a fleet. `prepare` may refuse: then nothing was begun. */
async function held(
  { session, trust: { fleet }, journals }: Parts,
  { state: known, onEvent }: RotationRequest & { readonly state?: RunState | undefined },
  prepare: (held: Held) => Promise<() => Promise<RunOutcome>>,
): Promise<StartedRun> {
  const id = known === undefined ? newRunId((session.clock ?? systemClock).now()) : parseRunId(known.id)
  const lease = await session.leases.acquire(leaseName, id, known?.fencingToken)
  let journal: Journal | undefined
  const release = async () => {
    await journal?.close()
    await lease.release()
  }
  try {
    const opened = known === undefined ? { journal: await journals.create(id) } : await journals.reopen(id)
    journal = opened.journal
    const state = 'events' in opened ? foldRun(opened.events) : undefined
    const { record } = recorder({ journal, lease, onEvent })
    const stop = new AbortController()
    const context = { runId: id, cluster: fleet, fencingToken: lease.fencingToken }
    const emit = async (event: RunEvent) => void (await record(event))
    const work = await prepare({ context, stop: stop.signal, state, emit })
    const ended = work().finally(release)
    return { id, stop: () => stop.abort(), ended }
  } catch (error) {
    await release()
    throw error
  }
}

/** AGENT_UNREACHABLE with every node that does not answer: a rotation leaves none behind. */
async function requireAnswers(run: RotationRun): Promise<void> {
  const answers = await Promise.allSettled(run.nodes.map((node) => run.met(node)))
  const silent = answers.flatMap((one, index) =>
    one.status === 'rejected' ? [`${run.nodes[index]?.name}: ${asQuorateError(one.reason).message}`] : [],
  )
  if (silent.length === 0) return
  const nodes = silent.length === 1 ? '1 node' : `${silent.length} nodes`
  throw new QuorateError('AGENT_UNREACHABLE', `nothing was started: ${nodes} cannot take part: ${silent.join('; ')}`, {
    remedy:
      'Start the agent there and run this command again. An agent of an earlier version: upgrade it. A machine that is gone for good: `quorate revoke NAME`.',
  })
}

/** Enrolled nodes; one whose newest key was revoked is not asked. */
async function enrolledNow(session: Session): Promise<readonly EnrolledNode[]> {
  const [denied, issued] = [await revokedKeys(session), (await session.revocations?.issued()) ?? []]
  const isRevoked = (name: string) => denied.has(issued.findLast(({ whose }) => whose === name)?.sha256 ?? '')
  return (await session.enrolled()).filter(({ name }) => !isRevoked(name))
}

/** No cluster has a name with a space. */
const leaseName = 'roots of the fleet'

async function rotationRun(session: Session, trust: FleetTrust, keys: RotationKeys | undefined): Promise<RotationRun> {
  const nodes = await enrolledNow(session)
  let met = new Map<string, ReturnType<RotationRun['met']>>()
  const run: RotationRun = {
    ...{ trust, nodes },
    async begin() {
      if (keys === undefined) throw new QuorateError('INTERNAL', 'no keys were given')
      await trust.begin(keys)
    },
    met(node) {
      const known = met.get(node.name) ?? meet(run, node)
      met.set(node.name, known)
      return known
    },
    refresh() {
      met = new Map()
    },
    async ask(node, work, roots) {
      const fleet = session.connect(roots === undefined ? {} : { roots })
      try {
        return await work(fleet.agent(entryOf(node)))
      } finally {
        fleet.close()
      }
    },
    renew: (node) => renewNow(session, node),
  }
  return run
}
