import { QuorateError } from '@quorate/shared/errors'
import { OperationResult } from '@quorate/shared/gen/quorate/v1/operation'
import t from 'tap'
import type { RunEvent } from '../../../../coordinator/src/engine/events.js'
import { planSteps } from '../../../../coordinator/src/engine/plan.js'
import { type RunOutcome, runOrder } from '../../../../coordinator/src/engine/run-order.js'
import { type Action, nothingToUndo, type Step } from '../../../../coordinator/src/engine/step.js'
import type { Agent, Sending } from '../../../../coordinator/src/fleet/agent.js'

/** A world of switches: a step turns one on at each node, its gate looks at it. */
class World {
  readonly on = new Set<string>()
  readonly log: string[] = []
  active = 0
  mostActive = 0
  refreshed = 0
  /** `step@node` -> error thrown by apply. */
  readonly breakApply = new Map<string, Error>()
  readonly breakVerify = new Map<string, Error>()
  readonly onApply = new Map<string, () => void | Promise<void>>()
  readonly onVerify = new Map<string, () => void | Promise<void>>()
  /** What was forgotten before each step: the nodes that operations were sent to since, or all. */
  readonly forgotten: (readonly string[] | 'all')[] = []
  refresh(touched?: Iterable<string>) {
    this.refreshed += 1
    this.forgotten.push(touched === undefined ? 'all' : [...touched])
  }
}

const sending = (action: Action, label: string): Sending => ({
  agent: { node: action.node } as unknown as Agent,
  method: 'restartKubelet',
  label,
})

type Options = Partial<Pick<Step<World>, 'width' | 'canary' | 'maxFailed' | 'settleBefore' | 'rollback'>> & {
  diff?: (world: World) => string
}

function toyStep(id: string, nodes: readonly string[], { diff, ...options }: Options = {}): Step<World> {
  const key = (action: Action) => `${id}@${action.node}`
  return {
    id,
    title: `Turn on ${id}`,
    gate: 'it is on',
    undo: 'it is turned off',
    width: 1,
    async plan(world) {
      const text = diff?.(world) ?? ''
      return nodes
        .filter((node) => !world.on.has(`${id}@${node}`))
        .map((node) => ({ id: node, node, does: `turn on ${id}`, diffs: [{ name: 'switch', text }] }))
    },
    async apply(world, action, call) {
      world.active += 1
      world.mostActive = Math.max(world.mostActive, world.active)
      try {
        await call.operation(sending(action, 'turn-on'), async ({ operationId }) => {
          world.log.push(`apply ${key(action)}`)
          await world.onApply.get(key(action))?.()
          await new Promise((resolve) => setImmediate(resolve))
          const broken = world.breakApply.get(key(action))
          if (broken !== undefined) throw broken
          world.on.add(key(action))
          call.progress('turning')
          return OperationResult.fromPartial({ summary: operationId })
        })
      } finally {
        world.active -= 1
      }
    },
    async verify(world, action) {
      await world.onVerify.get(key(action))?.()
      const broken = world.breakVerify.get(key(action))
      if (broken !== undefined) throw broken
      world.log.push(`verify ${key(action)}`)
      if (!world.on.has(key(action))) throw new QuorateError('STEP_FAILED', 'it is off')
      return [{ what: 'switch', saw: 'on' }]
    },
    async rollback(world, done, call) {
      await call.operation(sending(done.action, 'turn-off'), async () => {
        world.on.delete(key(done.action))
        world.log.push(`undo ${key(done.action)} after ${done.results.length} results`)
        return OperationResult.fromPartial({})
      })
    },
    ...options,
  }
}

interface Ran {
  readonly outcome: RunOutcome
  readonly events: RunEvent[]
}

async function run(
  order: readonly Step<World>[],
  world: World,
  options: { stop?: AbortSignal; approved?: Awaited<ReturnType<typeof planSteps>> } = {},
): Promise<Ran> {
  const events: RunEvent[] = []
  const approved = options.approved ?? (await planSteps(order, world, { tolerant: false }))
  const outcome = await runOrder({
    order,
    run: world,
    approved,
    context: { runId: '20261122t221530-ab12cd', cluster: 'toy', fencingToken: 7 },
    started: { planHash: 'h', version: '1', clusterFile: '', ignored: {} },
    emit: async (event) => void events.push(event),
    stop: options.stop ?? new AbortController().signal,
  })
  return { outcome, events }
}

const kinds = (events: readonly RunEvent[]) => events.map(({ kind }) => kind)
const ofKind = <K extends RunEvent['kind']>(events: readonly RunEvent[], kind: K) =>
  events.filter((event): event is Extract<RunEvent, { kind: K }> => event.kind === kind)

t.test('walks the steps in order, each verified before the next, and plans nothing the second time', async (t) => {
  const world = new World()
  const order = [toyStep('one', ['a', 'b']), toyStep('two', ['a'])]
  const first = await run(order, world)
  t.equal(first.outcome.outcome, 'done')
  t.same(world.log, ['apply one@a', 'verify one@a', 'apply one@b', 'verify one@b', 'apply two@a', 'verify two@a'])
  t.equal(world.refreshed, 2, 'facts are read again before each step')
  t.same(world.forgotten, [[], ['a', 'b']], 'those of the nodes that the step before touched')
  const second = await run(order, world)
  t.same(kinds(second.events), ['run-started', 'step-skipped', 'step-skipped', 'run-ended'])
  t.equal(world.log.length, 6)
})

t.test('intent is recorded before the operation is sent, with the header that goes out', async (t) => {
  const world = new World()
  const { events } = await run([toyStep('one', ['a'])], world)
  t.same(kinds(events), [
    'run-started',
    'step-started',
    'action-started',
    'operation-sent',
    'progress',
    'operation-done',
    'action-verified',
    'step-done',
    'run-ended',
  ])
  const [sent] = ofKind(events, 'operation-sent')
  const [done] = ofKind(events, 'operation-done')
  t.equal(sent?.operationId, done?.result.summary)
  const again = await run([toyStep('one', ['a'])], new World())
  t.equal(
    ofKind(again.events, 'operation-sent')[0]?.operationId,
    sent?.operationId,
    'the same action has the same operation id',
  )
})

t.test('nothing is applied when the intent cannot be recorded', async (t) => {
  const world = new World()
  const order = [toyStep('one', ['a'])]
  const outcome = await runOrder({
    order,
    run: world,
    approved: await planSteps(order, world, { tolerant: false }),
    context: { runId: '20261122t221530-ab12cd', cluster: 'toy', fencingToken: 1 },
    started: { planHash: 'h', version: '1', clusterFile: '', ignored: {} },
    emit: async ({ kind }) => {
      if (kind === 'action-started') throw new Error('no space left on device')
    },
    stop: new AbortController().signal,
  })
  t.equal(outcome.outcome, 'failed')
  t.match(outcome.error?.message, /no space/)
  t.same(world.log, [])
})

t.test('canaries go alone, then as many at a time as the width says', async (t) => {
  const nodes = Array.from({ length: 9 }, (_, index) => `n${index}`)
  const world = new World()
  let during = 0
  world.onApply.set('one@n0', () => {
    during = world.mostActive
  })
  await run([toyStep('one', nodes, { width: () => 4, canary: () => 1 })], world)
  t.equal(during, 1)
  t.equal(world.mostActive, 4)
  t.ok(
    world.log.indexOf('verify one@n0') < world.log.indexOf('apply one@n1'),
    'the canary is verified before the rest starts',
  )
})

t.test('a failure undoes only its own node, starts no new one, and ends the run', async (t) => {
  const world = new World()
  world.breakVerify.set('one@b', new QuorateError('STEP_FAILED', 'lease not renewed'))
  const { outcome, events } = await run([toyStep('one', ['a', 'b', 'c']), toyStep('two', ['a'])], world)
  t.match(outcome, {
    outcome: 'failed',
    needsPerson: false,
    error: { code: 'STEP_FAILED', where: 'b', message: 'lease not renewed' },
  })
  t.same([...world.on], ['one@a'])
  t.same(world.log.slice(-1), ['undo one@b after 1 results'])
  t.same(kinds(events).slice(-4), ['operation-sent', 'operation-done', 'action-undone', 'run-ended'])
  const sent = ofKind(events, 'operation-sent')
  t.equal(new Set(sent.map(({ operationId }) => operationId)).size, sent.length, 'undoing is an operation of its own')
})

t.test('nodes that run beside a failing one come to their end', async (t) => {
  const world = new World()
  world.breakApply.set('one@a', new QuorateError('COMMAND_FAILED', 'no'))
  await run([toyStep('one', ['a', 'b', 'c', 'd'], { width: 2 })], world)
  t.same([...world.on], ['one@b'])
})

t.test('several failures are all named', async (t) => {
  const world = new World()
  world.breakApply.set('one@a', new QuorateError('COMMAND_FAILED', 'first'))
  world.breakApply.set('one@b', new QuorateError('OPERATION_UNKNOWN_OUTCOME', 'second'))
  const { outcome } = await run([toyStep('one', ['a', 'b', 'c'], { width: 2 })], world)
  t.match(outcome.error?.message, /2 of 3 actions failed.*a: first.*b: second/)
  t.equal(outcome.needsPerson, true, 'the worst of them decides')
})

t.test('maxFailed lets the others go on; the run still fails', async (t) => {
  const world = new World()
  world.breakApply.set('one@b', new QuorateError('COMMAND_FAILED', 'no'))
  const { outcome } = await run(
    [toyStep('one', ['a', 'b', 'c', 'd'], { maxFailed: () => 1 }), toyStep('two', ['a'])],
    world,
  )
  t.equal(outcome.outcome, 'failed')
  t.same([...world.on], ['one@a', 'one@c', 'one@d'])
  const canary = new World()
  canary.breakApply.set('one@a', new QuorateError('COMMAND_FAILED', 'no'))
  await run([toyStep('one', ['a', 'b', 'c', 'd'], { maxFailed: () => 1, canary: () => 1 })], canary)
  t.same([...canary.on], [], 'a canary that fails stops everything')
})

for (const code of ['OPERATION_UNKNOWN_OUTCOME', 'AGENT_UNREACHABLE'] as const) {
  t.test(`what may still be under way (${code}) is not undone`, async (t) => {
    const world = new World()
    world.breakApply.set('one@a', new QuorateError(code, 'who knows'))
    const { outcome, events } = await run([toyStep('one', ['a'])], world)
    t.equal(ofKind(events, 'action-undone').length, 0)
    t.equal(world.log.filter((line) => line.startsWith('undo')).length, 0)
    t.equal(outcome.needsPerson, code === 'OPERATION_UNKNOWN_OUTCOME')
  })
}

t.test('a step without an undo, and an undo that fails, leave the failure as it was', async (t) => {
  const world = new World()
  world.breakVerify.set('one@a', new QuorateError('GATE_TIMEOUT', 'waited'))
  const none = await run([toyStep('one', ['a'], { rollback: nothingToUndo('only reads') })], world)
  t.same(kinds(none.events).slice(-2), ['action-failed', 'run-ended'])
  const failing = async () => {
    throw new QuorateError('BACKUP_MISSING', 'gone')
  }
  const other = new World()
  other.breakVerify.set('one@a', new QuorateError('GATE_TIMEOUT', 'waited'))
  const { outcome, events } = await run([toyStep('one', ['a'], { rollback: failing })], other)
  t.match(ofKind(events, 'undo-failed')[0], { error: { code: 'BACKUP_MISSING' } })
  t.match(outcome, { needsPerson: true, error: { code: 'GATE_TIMEOUT' } })
})

t.test('what the approved plan did not have is not done', async (t) => {
  const world = new World()
  const approved = await planSteps([toyStep('one', ['a'])], world, { tolerant: false })
  const { outcome } = await run([toyStep('one', ['a', 'b'])], world, { approved })
  t.match(outcome, { outcome: 'failed', error: { code: 'PLAN_CHANGED', where: 'b' } })
  t.same(world.log, [])
})

t.test('a foreign change is shown and not overwritten', async (t) => {
  const world = new World()
  let text = '-old\n+new\n'
  const order = [toyStep('one', ['a']), toyStep('two', ['a'], { diff: () => text })]
  const approved = await planSteps(order, world, { tolerant: false })
  world.onApply.set('one@a', () => {
    text = '-somebody else was here\n+new\n'
  })
  const { outcome } = await run(order, world, { approved })
  t.match(outcome, { error: { code: 'DRIFT', where: 'a' } })
  t.match(outcome.error?.message, /somebody else was here/)
  t.same([...world.on], ['one@a'])
})

t.test('settleBefore: the gate is watched while the steps between go on, and holds before the named one', async (t) => {
  const world = new World()
  let settle = () => {}
  const settled = new Promise<void>((resolve) => {
    settle = resolve
  })
  world.onVerify.set('rollout@a', () => settled)
  world.onApply.set('between@a', () => settle())
  const { outcome, events } = await run(
    [toyStep('rollout', ['a'], { settleBefore: 'scan' }), toyStep('between', ['a']), toyStep('scan', ['a'])],
    world,
  )
  t.equal(outcome.outcome, 'done')
  t.ok(world.log.indexOf('apply between@a') < world.log.indexOf('verify rollout@a'))
  t.ok(world.log.indexOf('verify rollout@a') < world.log.indexOf('apply scan@a'))
  t.equal(ofKind(events, 'step-done').length, 3)
})

t.test('settleBefore: a gate that fails meanwhile stops the run, and only that action is undone', async (t) => {
  const world = new World()
  let fail = () => {}
  const failing = new Promise<void>((resolve) => {
    fail = resolve
  })
  world.onVerify.set('rollout@a', () => failing)
  world.breakVerify.set('rollout@a', new QuorateError('GATE_TIMEOUT', 'pods are old'))
  world.onApply.set('between@b', async () => {
    fail()
    await new Promise((resolve) => setTimeout(resolve, 20))
  })
  const { outcome } = await run(
    [toyStep('rollout', ['a'], { settleBefore: 'scan' }), toyStep('between', ['a', 'b', 'c']), toyStep('scan', ['a'])],
    world,
  )
  t.match(outcome, { outcome: 'failed', error: { code: 'GATE_TIMEOUT' } })
  t.same([...world.on].sort(), ['between@a', 'between@b'])
})

t.test('settleBefore: what is still watched at the end is awaited', async (t) => {
  const world = new World()
  world.onVerify.set('last@a', () => new Promise((resolve) => setTimeout(resolve, 20)))
  const { events } = await run([toyStep('last', ['a'], { settleBefore: 'no-such-step' })], world)
  t.same(kinds(events).slice(-3), ['action-verified', 'step-done', 'run-ended'])
})

t.test(
  'who stops a run for a reason gives it: what runs comes to its end, the run ends as failed with that reason',
  async (t) => {
    const world = new World()
    const stop = new AbortController()
    const reason = new QuorateError('AVAILABILITY_BUDGET_SPENT', 'the API was away for 6 s')
    world.onApply.set('one@a', () => stop.abort(reason))
    const { outcome } = await run([toyStep('one', ['a', 'b'])], world, { stop: stop.signal })
    t.match(outcome, { outcome: 'failed', needsPerson: false, error: { code: 'AVAILABILITY_BUDGET_SPENT' } })
    t.same([...world.on], ['one@a'], 'what was begun was done, and nothing else begun')
  },
)

t.test('an interruption lets what runs come to its end and begins nothing new', async (t) => {
  const world = new World()
  const stop = new AbortController()
  world.onApply.set('one@b', () => stop.abort())
  const { outcome, events } = await run([toyStep('one', ['a', 'b', 'c']), toyStep('two', ['a'])], world, {
    stop: stop.signal,
  })
  t.match(outcome, { outcome: 'interrupted', needsPerson: false, error: { code: 'INTERRUPTED' } })
  t.same([...world.on], ['one@a', 'one@b'])
  t.equal(world.log.at(-1), 'verify one@b', 'what was begun was verified')
  t.match(events.at(-1), { kind: 'run-ended', outcome: 'interrupted' })
  const again = await run([toyStep('one', ['a', 'b', 'c']), toyStep('two', ['a'])], world)
  t.equal(again.outcome.outcome, 'done')
  t.equal(world.log.filter((line) => line === 'apply one@a').length, 1, 'what is done is not done again')
})
