import { differencesFrom } from '@quorate/coordinator/engine/differences'
import type { RecordedEvent, RunEvent } from '@quorate/coordinator/engine/events'
import { foldRun, type RunState } from '@quorate/coordinator/engine/fold'
import type { Judge } from '@quorate/coordinator/engine/operations'
import { planSteps } from '@quorate/coordinator/engine/plan'
import { rollbackOrder } from '@quorate/coordinator/engine/rollback-order'
import { type RunOutcome, resumeOrder, runOrder } from '@quorate/coordinator/engine/run-order'
import { type Action, nothingToUndo, type Step } from '@quorate/coordinator/engine/step'
import type { Agent, ChangeCall } from '@quorate/coordinator/fleet/agent'
import type { Clock } from '@quorate/shared/clock'
import { QuorateError } from '@quorate/shared/errors'
import { type OperationHeader, OperationResult } from '@quorate/shared/gen/quorate/v1/operation'

interface Entry {
  state: 'running' | 'succeeded' | 'failed' | 'interrupted'
  readonly key: string
  result?: OperationResult
  error?: QuorateError
}

const soon = () => new Promise((resolve) => setImmediate(resolve))

/** Nodes with ledgers as agents have them, and switches that operations turn. It outlives the processes of a run. */
export class ToyWorld {
  /** `step/node/label` that are true now. */
  readonly on = new Set<string>()
  /** How often each took effect, one that was turned off again counted anew. */
  readonly effects = new Map<string, number>()
  readonly ledger = new Map<string, Entry>()
  fence = 0
  /** How long an operation takes, in turns of the event loop. */
  turns = 3
  /** Fails the operation of that key. */
  readonly failing = new Set<string>()
  refresh(): void {}

  /** What an agent does with a changing call: at most once for an id, after its fencing number was looked at. */
  async change(header: OperationHeader, key: string): Promise<OperationResult> {
    if (header.fencingToken < this.fence) throw new QuorateError('FENCED', 'a later coordinator was here')
    this.fence = header.fencingToken
    const known = this.ledger.get(header.operationId)
    if (known === undefined) {
      const entry: Entry = { state: 'running', key }
      this.ledger.set(header.operationId, entry)
      for (let turn = 0; turn < this.turns; turn++) await soon()
      if (entry.state === 'running') this.#carryOut(entry)
    }
    const entry = this.ledger.get(header.operationId) as Entry
    while (entry.state === 'running') await soon()
    if (entry.state === 'interrupted') throw new QuorateError('OPERATION_UNKNOWN_OUTCOME', 'no end was written')
    if (entry.error !== undefined) throw entry.error
    return entry.result as OperationResult
  }

  #carryOut(entry: Entry): void {
    if (this.failing.has(entry.key)) {
      Object.assign(entry, { state: 'failed', error: new QuorateError('COMMAND_FAILED', `${entry.key} does not work`) })
      return
    }
    this.effect(entry.key)
    Object.assign(entry, { state: 'succeeded', result: OperationResult.fromPartial({ summary: entry.key }) })
  }

  effect(key: string): void {
    const off = key.endsWith('/off')
    if (off) for (const one of [...this.on]) if (one.startsWith(key.slice(0, -'off'.length))) this.on.delete(one)
    if (!off) this.on.add(key)
    this.effects.set(key, (this.effects.get(key) ?? 0) + 1)
  }

  /** Every node is cut off from power: what ran has no end, and may or may not have taken effect. */
  powerCut(tookEffect: boolean): void {
    for (const entry of this.ledger.values()) {
      if (entry.state !== 'running') continue
      if (tookEffect) this.effect(entry.key)
      entry.state = 'interrupted'
    }
  }

  agent(node: string): Agent {
    const read = async (method: string, { operationId }: { operationId: string }) => {
      const entry = this.ledger.get(operationId)
      if (method === 'getOperation')
        return { ...entry, state: entry?.state ?? 'unknown', error: detailOf(entry), method: '' }
      const facts = { done: entry !== undefined && this.on.has(entry.key) ? 'yes' : 'no' }
      return { evidence: { state: entry?.state ?? 'unknown', method: '', unitState: 'not-found', unitExit: 0, facts } }
    }
    return { node, read } as unknown as Agent
  }
}

const detailOf = (entry: Entry | undefined) =>
  entry?.error === undefined
    ? undefined
    : { code: entry.error.code, message: entry.error.message, remedy: '', correlationId: '' }

/** Adopts what took effect, asks again for what did not: so an operation takes effect once. */
const toyJudge: Judge<ToyWorld> = async (_world, { evidence, step, node, label }, { again }) =>
  evidence.facts['done'] === 'yes'
    ? OperationResult.fromPartial({ summary: `${step}/${node}/${label} adopted` })
    : again()

interface ToyStep {
  readonly id: string
  readonly nodes: readonly string[]
  readonly labels: readonly string[]
  readonly more?: Partial<Step<ToyWorld>>
  /** Its plan names the actions as long as this is not on. */
  readonly until?: string
}

/** A step of some operations a node, of which its plan sees only the first: like a file and the restart after it. */
export function toyStep({ id, nodes, labels, more = {}, until }: ToyStep): Step<ToyWorld> {
  const change = (world: ToyWorld, node: string, { label, call }: { label: string; call: ChangeCall }) =>
    call.operation({ agent: world.agent(node), method: 'restartKubelet', label }, (header) =>
      world.change(header, `${id}/${node}/${label}`),
    )
  return {
    id,
    title: `Turn on ${id}`,
    gate: '',
    undo: '',
    width: 1,
    async plan(world) {
      const left = nodes.filter((node) => !world.on.has(until ?? `${id}/${node}/${labels[0]}`))
      return left.map((node): Action => ({ id: node, node, does: `turn on ${id}`, diffs: [] }))
    },
    async apply(world, { node }, call) {
      for (const label of labels) await change(world, node, { label, call })
    },
    async verify(world, { node }) {
      const off = labels.filter((label) => !world.on.has(`${id}/${node}/${label}`))
      if (off.length > 0) throw new QuorateError('GATE_TIMEOUT', `${id} on ${node}: ${off.join(', ')} is off`)
      return [{ what: node, saw: 'on' }]
    },
    async rollback(world, { action: { node } }, call) {
      await change(world, node, { label: 'off', call })
    },
    ...more,
  }
}

/** An order with what orders have: a backup that holds, waves, a gate that is watched later, a token that is made anew, a last look. */
export const toyOrder: readonly Step<ToyWorld>[] = [
  toyStep({
    id: 'backup',
    nodes: ['a'],
    labels: ['copy'],
    until: 'last/a/done',
    more: { onResume: 'kept', rollback: nothingToUndo('a copy') },
  }),
  toyStep({ id: 'write', nodes: ['a', 'b', 'c'], labels: ['file', 'restart'], more: { width: 2, canary: () => 1 } }),
  toyStep({ id: 'rollout', nodes: ['a'], labels: ['roll'], more: { settleBefore: 'last' } }),
  toyStep({ id: 'token', nodes: ['a'], labels: ['make'], until: 'last/a/done', more: { onResume: 'renewed' } }),
  toyStep({ id: 'join', nodes: ['b', 'c'], labels: ['join', 'serve'], more: { width: 2 } }),
  toyStep({ id: 'last', nodes: ['a'], labels: ['done'] }),
]

/** A process of the run that dies at one event: nothing that it wants to write after it is written, and nothing is sent any more. */
export interface Process {
  readonly events: RecordedEvent[]
  /** Resolves when it dies. */
  readonly died: Promise<void>
  emit(event: RunEvent): Promise<void>
}

/** `lives`: how many events it writes before it dies. */
export function processOf(journal: readonly RecordedEvent[], lives = Number.POSITIVE_INFINITY): Process {
  const events = [...journal]
  let die = () => {}
  const died = new Promise<void>((resolve) => {
    die = resolve
  })
  return {
    events,
    died,
    emit(event) {
      const room = () => events.length - journal.length < lives
      if (!room()) {
        die()
        return new Promise(() => {})
      }
      events.push({ seq: events.length + 1, at: events.length, run: 'toy', event: JSON.parse(JSON.stringify(event)) })
      // What was just written may still be followed by its call: then the node is in its middle when the process dies.
      if (!room()) setImmediate(die)
      return Promise.resolve()
    },
  }
}

const context = (fencingToken: number) => ({ runId: '20261122t221530-ab12cd', cluster: 'toy', fencingToken })
/** A pause is a turn of the event loop. */
const clock: Clock = { now: () => 0, sleep: async () => void (await soon()) }
const never = new AbortController().signal

export interface Walked {
  /** Undefined: the process died. */
  readonly outcome: RunOutcome | undefined
  readonly events: readonly RecordedEvent[]
}

const toItsEnd = async (process: Process, work: Promise<RunOutcome>): Promise<Walked> => {
  const outcome = await Promise.race([work, process.died.then(() => undefined)])
  return { outcome, events: process.events }
}

export async function start(world: ToyWorld, process: Process, order = toyOrder): Promise<Walked> {
  const approved = await planSteps(order, world, { tolerant: false })
  const started = { planHash: 'h', version: '1', clusterFile: 'file', ignored: {} }
  const run = { order, run: world, approved, context: context(1), started, judge: toyJudge, clock, stop: never }
  return toItsEnd(process, runOrder({ ...run, emit: process.emit }))
}

/** As `quorate resume`: what was never begun is begun; a run whose end is in the journal is left. */
export async function resume(world: ToyWorld, process: Process, order = toyOrder): Promise<Walked> {
  const state = foldRun(process.events)
  if (state.seq === 0) return start(world, process, order)
  if (state.outcome === 'done') return { outcome: { outcome: 'done', needsPerson: false }, events: process.events }
  const approved = await planSteps(order, world, { tolerant: false })
  const differences = differencesFrom(state, order, approved)
  if (differences.length > 0) throw new QuorateError('PLAN_CHANGED', differences.join('; '))
  const resumed = { planHash: 'h', version: '1', differences: [] }
  const run = {
    order,
    run: world,
    approved,
    context: context(state.fencingToken + 1),
    state,
    resumed,
    judge: toyJudge,
    clock,
  }
  return toItsEnd(process, resumeOrder({ ...run, emit: process.emit, stop: never }))
}

export async function rollback(world: ToyWorld, process: Process, order = toyOrder): Promise<Walked> {
  const state: RunState = foldRun(process.events)
  if (state.seq === 0 || state.outcome === 'rolled-back')
    return { outcome: { outcome: 'done', needsPerson: false }, events: process.events }
  const work = rollbackOrder({
    order,
    run: world,
    context: context(state.fencingToken + 1),
    state,
    started: { version: '1', keepEndpoint: false },
    undoes: () => true,
    agent: (over, node) => over.agent(node),
    traces: async () => OperationResult.fromPartial({}),
    asBefore: async () => [],
    judge: toyJudge,
    clock,
    emit: process.emit,
    stop: never,
  })
  return toItsEnd(process, work)
}
