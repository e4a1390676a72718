import { foldRun } from '@quorate/coordinator/engine/fold'
import { resumeOrder } from '@quorate/coordinator/engine/run-order'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  processOf,
  resume,
  rollback,
  start,
  ToyWorld,
  type toyOrder,
  toyStep,
  type Walked,
} from '../../../support/toy-order.js'

const inFull = async () => {
  const world = new ToyWorld()
  const { events } = await start(world, processOf([]))
  return { world, events }
}

/** Everything is on, each effect came once (a token may be made anew), and the journal says so. */
function isAsUndisturbed(t: Test, world: ToyWorld, { outcome, events }: Walked, what: string): void {
  const fail = (why: string) => t.fail(`${what}: ${why}`)
  if (outcome?.outcome !== 'done') fail(`ended ${JSON.stringify(outcome)}`)
  for (const step of ['write/a', 'write/b', 'write/c', 'join/b', 'join/c', 'rollout/a', 'last/a']) {
    const keys = [...world.on].filter((key) => key.startsWith(step))
    if (keys.length === 0) fail(`${step} is off`)
  }
  const twice = [...world.effects].filter(([key, count]) => count > 1 && !key.startsWith('token/'))
  if (twice.length > 0) fail(`done twice: ${JSON.stringify(twice)}`)
  if (world.on.size !== 14) fail(`${world.on.size} switches are on`)
  const state = foldRun(events)
  if (state.outcome !== 'done') fail(`the journal says ${state.outcome}`)
  for (const { id, state: of, actions } of state.steps) {
    if (of !== 'done') fail(`${id} is ${of}`)
    for (const { action, state: is } of actions) if (is !== 'verified') fail(`${id} on ${action.node} is ${is}`)
  }
}

t.test('the toy order comes to its end by itself', async (t) => {
  const { world, events } = await inFull()
  isAsUndisturbed(t, world, { outcome: { outcome: 'done', needsPerson: false }, events }, 'undisturbed')
  t.ok(events.length >= 60, `${events.length} events`)
})

t.test('a journal that another version wrote, in other words, is resumed without a question', async (t) => {
  const { events } = await inFull()
  for (const lives of [10, 25, 40, 55]) {
    const world = new ToyWorld()
    const killed = await start(world, processOf([], lives))
    const older = JSON.parse(
      JSON.stringify(killed.events).replaceAll('"does":"', '"does":"formerly said: '),
    ) as typeof events
    isAsUndisturbed(t, world, await resume(world, processOf(older)), `another version killed after ${lives} events`)
  }
  t.pass('as undisturbed')
})

for (const [node, afterwards] of [
  ['the nodes live on', () => {}],
  ['the nodes lose power with it, what ran took no effect', (world: ToyWorld) => world.powerCut(false)],
  ['the nodes lose power with it, what ran took effect', (world: ToyWorld) => world.powerCut(true)],
] as const) {
  t.test(
    `for every prefix of the events, resume ends in the same state and nothing is done twice: ${node}`,
    async (t) => {
      const { events } = await inFull()
      for (let lives = 0; lives <= events.length; lives++) {
        const world = new ToyWorld()
        const killed = await start(world, processOf([], lives))
        afterwards(world)
        isAsUndisturbed(t, world, await resume(world, processOf(killed.events)), `killed after ${lives} events`)
      }
      t.pass(`${events.length + 1} kills`)
    },
  )
}

t.test('killed again and again, at any event, it still ends in the same state', async (t) => {
  const lives = fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 2, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(lives, fc.boolean(), fc.boolean(), async (kills, power, tookEffect) => {
      const world = new ToyWorld()
      let events: Walked['events'] = []
      for (const kill of kills) {
        ;({ events } = await resume(world, processOf(events, kill)))
        if (power) world.powerCut(tookEffect)
      }
      isAsUndisturbed(t, world, await resume(world, processOf(events)), `kills ${kills.join(', ')}`)
    }),
    { numRuns: 150 },
  )
})

t.test('for every prefix of the events, rollback turns all off, and a rollback that is killed goes on', async (t) => {
  const { events } = await inFull()
  const isOff = (world: ToyWorld, walked: Walked, what: string) => {
    const left = [...world.on].filter((key) => !key.startsWith('backup/'))
    if (walked.outcome?.outcome !== 'done' || left.length > 0)
      t.fail(`${what}: ${left} ${JSON.stringify(walked.outcome)}`)
    const state = foldRun(walked.events)
    if (walked.events.length > 0 && state.outcome !== 'rolled-back')
      t.fail(`${what}: the journal says ${state.outcome}`)
    const twice = [...world.effects].filter(([key, count]) => key.endsWith('/off') && count > 1)
    if (twice.length > 0) t.fail(`${what}: undone twice: ${JSON.stringify(twice)}`)
  }
  for (let lives = 0; lives <= events.length; lives++) {
    const world = new ToyWorld()
    const killed = await start(world, processOf([], lives))
    isOff(world, await rollback(world, processOf(killed.events)), `run killed after ${lives}`)
  }
  for (let lives = 0; lives < 60; lives++) {
    const { world, events } = await inFull()
    const killed = await rollback(world, processOf(events, lives))
    isOff(world, await rollback(world, processOf(killed.events)), `way back killed after ${lives}`)
  }
  t.pass('all')
})

t.test('what was undone after a failure is done again by resume, under other ids', async (t) => {
  const world = new ToyWorld()
  world.failing.add('write/b/restart')
  const failed = await start(world, processOf([]))
  t.match(failed.outcome, { outcome: 'failed', error: { code: 'COMMAND_FAILED' } })
  t.notOk(world.on.has('write/b/file'), 'it was undone')
  world.failing.clear()
  const { outcome, events } = await resume(world, processOf(failed.events))
  t.equal(outcome?.outcome, 'done')
  t.equal(world.effects.get('write/a/file'), 1, 'what was verified was left')
  t.equal(world.effects.get('write/b/file'), 2, 'what was undone was done anew')
  const state = foldRun(events)
  t.equal(state.resumed, 1)
  t.equal(state.outcome, 'done')
})

t.test('what was verified and is needed again is a difference, not something to do silently', async (t) => {
  const { world } = await inFull()
  const killed = await start(new ToyWorld(), processOf([]))
  const events = killed.events.filter(({ event }) => event.kind !== 'run-ended')
  world.on.delete('write/b/file')
  await t.rejects(resume(world, processOf(events)), {
    code: 'PLAN_CHANGED',
    message: /write on b was done and verified/,
  })
})

t.test('an unknown end without anybody to judge it is never sent again', async (t) => {
  const world = new ToyWorld()
  const order = [toyStep({ id: 'one', nodes: ['a'], labels: ['join'] })]
  const killed = await start(world, processOf([], 4), order)
  t.equal(killed.events.at(-1)?.event.kind, 'operation-sent')
  t.equal([...world.ledger.values()][0]?.state, 'running', 'it died in the middle of the operation')
  world.powerCut(false)
  const approved = [{ id: 'one', title: 'one', actions: await (order[0] as (typeof toyOrder)[number]).plan(world) }]
  const outcome = await resumeOrder({
    order,
    run: world,
    approved,
    context: { runId: '20261122t221530-ab12cd', cluster: 'toy', fencingToken: 2 },
    state: foldRun(killed.events),
    resumed: { planHash: 'h', version: '1', differences: [] },
    emit: async () => {},
    stop: new AbortController().signal,
  })
  t.match(outcome, { outcome: 'failed', needsPerson: true, error: { code: 'OPERATION_UNKNOWN_OUTCOME' } })
  t.equal(world.effects.size, 0)
  t.equal(world.ledger.size, 1, 'no other id was tried')
})

t.test('a process that was paused while another took over is refused and writes nothing more', async (t) => {
  const world = new ToyWorld()
  world.fence = 5
  const process = processOf([])
  const { outcome } = await start(world, process)
  t.match(outcome, { outcome: 'failed', needsPerson: false, error: { code: 'FENCED' } })
  t.same([...world.on], [], 'nothing was done')
  t.notOk(process.events.some(({ event }) => ['action-failed', 'undo-started', 'run-ended'].includes(event.kind)))
})

t.test('the engine sends nothing before its intent is written', async (t) => {
  const order: string[] = []
  class Watched extends ToyWorld {
    override change(...args: Parameters<ToyWorld['change']>) {
      order.push(`send ${args[0].operationId}`)
      return super.change(...args)
    }
  }
  const process = processOf([])
  const emit = process.emit
  const slow = {
    ...process,
    async emit(event: Parameters<typeof emit>[0]) {
      await new Promise((resolve) => setImmediate(resolve))
      await emit(event)
      if (event.kind === 'operation-sent') order.push(`written ${event.operationId}`)
    },
  }
  await start(new Watched(), slow)
  t.ok(order.length > 20)
  for (const [index, line] of order.entries()) {
    if (!line.startsWith('send ')) continue
    if (!order.slice(0, index).includes(line.replace('send', 'written'))) t.fail(`${line} came before its intent`)
  }
})
