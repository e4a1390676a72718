import type { Absence, MissingNode } from '@quorate/coordinator/engine/absence'
import { foldRun, type RunState } from '@quorate/coordinator/engine/fold'
import { planSteps } from '@quorate/coordinator/engine/plan'
import { resumeOrder, runOrder } from '@quorate/coordinator/engine/run-order'
import type { Step } from '@quorate/coordinator/engine/step'
import { QuorateError } from '@quorate/shared/errors'
import t from 'tap'
import { processOf, ToyWorld, toyStep } from '../../../support/toy-order.js'

/** Nodes of a toy world that fall silent, and who notices. */
class Silence implements Absence {
  readonly silent = new Set<string>()
  readonly #missing: MissingNode[] = []
  #changed = new AbortController()
  missing = () => this.#missing
  changed = () => this.#changed.signal

  /** What a call to that node comes to. */
  ask(node: string): void {
    if (!this.silent.has(node)) return
    const error = new QuorateError('AGENT_UNREACHABLE', `${node} is silent`, { where: node })
    if (!this.#missing.some((one) => one.node === node)) this.#missing.push({ node, message: error.message })
    const before = this.#changed
    this.#changed = new AbortController()
    before.abort(error)
    throw error
  }
}

const nodes = ['a', 'b', 'c']

/** A step on every node that is not missing, whose gate asks all of them. */
function askingStep(id: string, silence: Silence, during: (node: string) => void = () => {}): Step<ToyWorld> {
  const plain = toyStep({ id, nodes, labels: ['do'] })
  const present = () => nodes.filter((node) => !silence.missing().some((one) => one.node === node))
  return {
    ...plain,
    async plan(world) {
      for (const node of present()) silence.ask(node)
      return (await plain.plan(world)).filter(({ node }) => present().includes(node))
    },
    async apply(world, action, call) {
      during(action.node)
      silence.ask(action.node)
      return plain.apply(world, action, call)
    },
    async verify(world, action, signal, note) {
      for (const node of present()) silence.ask(node)
      return plain.verify(world, action, signal, note)
    },
  }
}

const stop = new AbortController().signal
const context = (fencingToken: number) => ({ runId: '20261122t221530-ab12cd', cluster: 'toy', fencingToken })

async function convert(world: ToyWorld, order: readonly Step<ToyWorld>[], absence: Absence) {
  const process = processOf([])
  const approved = await planSteps(order, world, { tolerant: false })
  const started = { planHash: 'h', version: '1', clusterFile: 'file', ignored: {} }
  const outcome = await runOrder({
    order,
    run: world,
    approved,
    context: context(1),
    started,
    absence,
    stop,
    emit: process.emit,
  })
  return { outcome, events: process.events, state: foldRun(process.events) }
}

async function goOn(
  world: ToyWorld,
  order: readonly Step<ToyWorld>[],
  { state, absence }: { state: RunState; absence: Absence },
) {
  const process = processOf([])
  const approved = await planSteps(order, world, { tolerant: false })
  const resumed = { planHash: 'h', version: '1', differences: [] }
  const emitted: Parameters<typeof process.emit>[0][] = []
  const outcome = await resumeOrder({
    order,
    run: world,
    approved,
    context: context(2),
    state,
    resumed,
    absence,
    stop,
    emit: async (event) => void emitted.push(event),
  })
  return { outcome, emitted }
}

t.test('a node that falls silent in a gate of others is done without, and waits', async (t) => {
  const [world, silence] = [new ToyWorld(), new Silence()]
  const order = [
    askingStep('one', silence, (node) => node === 'a' && silence.silent.add('c')),
    askingStep('two', silence),
  ]
  const { outcome, state } = await convert(world, order, silence)
  t.equal(outcome.outcome, 'done')
  t.same([...world.on].sort(), ['one/a/do', 'one/b/do', 'two/a/do', 'two/b/do'])
  t.match(state.missing, [{ node: 'c', message: 'c is silent', waits: [{ step: 'one' }, { step: 'two' }] }])
  t.equal(state.missing.length, 1, 'said once, although every gate asks it')

  await t.test('while it stays silent nothing is done and it still waits', async (t) => {
    const again = new Silence()
    again.silent.add('c')
    const still = [askingStep('one', again), askingStep('two', again)]
    await t.rejects(planSteps(still, world, { tolerant: false }), { code: 'AGENT_UNREACHABLE' })
    const { outcome: end, emitted } = await goOn(world, still, { state, absence: again })
    t.equal(end.outcome, 'done')
    t.notOk(emitted.some(({ kind }) => kind === 'operation-sent' || kind === 'node-back'))
  })

  await t.test('back again: what waited is done, and nothing else', async (t) => {
    const here = new Silence()
    const { outcome: end, emitted } = await goOn(world, [askingStep('one', here), askingStep('two', here)], {
      state,
      absence: here,
    })
    t.equal(end.outcome, 'done')
    const sent = emitted.flatMap((event) => (event.kind === 'operation-sent' ? [`${event.step}/${event.node}`] : []))
    t.same(sent, ['one/c', 'two/c'])
    t.match(emitted.at(-2), { kind: 'node-back', node: 'c' })
  })
})

t.test(
  'a node that falls silent when it is its turn: its action waits, and is neither a failure nor undone',
  async (t) => {
    const [world, silence] = [new ToyWorld(), new Silence()]
    const order = [askingStep('one', silence, (node) => node === 'b' && silence.silent.add('b'))]
    const { outcome, state, events } = await convert(world, order, silence)
    t.equal(outcome.outcome, 'done')
    t.same([...world.on].sort(), ['one/a/do', 'one/c/do'])
    t.notOk(events.some(({ event }) => event.kind === 'action-failed' || event.kind === 'undo-started'))
    t.match(
      state.steps[0]?.actions.find(({ action }) => action.node === 'b'),
      { state: 'pending' },
    )
    silence.silent.clear()
    const { outcome: end } = await goOn(world, [askingStep('one', new Silence())], { state, absence: new Silence() })
    t.equal(end.outcome, 'done')
    t.ok(world.on.has('one/b/do'))
    t.equal(world.effects.get('one/b/do'), 1)
  },
)

t.test('without leave to be missing a silent node stops the run, as ever', async (t) => {
  const [world, silence] = [new ToyWorld(), new Silence()]
  const order = [askingStep('one', silence, (node) => node === 'b' && silence.silent.add('b'))]
  const nobody: Absence = { missing: () => [], changed: () => new AbortController().signal }
  const { outcome } = await convert(world, order, nobody)
  t.match(outcome, { outcome: 'failed', error: { code: 'AGENT_UNREACHABLE', where: 'b' } })
})
