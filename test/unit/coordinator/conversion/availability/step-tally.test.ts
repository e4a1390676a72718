import { overBudget } from '@quorate/coordinator/runs/availability/budget'
import { StepTally } from '@quorate/coordinator/runs/availability/step-tally'
import type { AvailabilitySeen } from '@quorate/shared/gen/quorate/v1/node_agent'
import fc from 'fast-check'
import t from 'tap'

const seen = (name: string, change: Partial<AvailabilitySeen> = {}): AvailabilitySeen => ({
  name,
  asked: 5,
  failed: 0,
  longestGapMs: 60,
  outages: [],
  openGapMs: 0,
  stalledMs: 0,
  ...change,
})
const outage = (from: number, to: number) => ({ fromUnixMs: from, toUnixMs: to, error: 'refused' })

t.test('messages add up by place and target; times are ours, whatever the clock of the node says', async (t) => {
  const tally = new StepTally('finish')
  tally.add('cp1', seen('endpoint'), { at: 1_000, ahead: 500 })
  tally.add('cp1', seen('endpoint', { failed: 1, longestGapMs: 300, outages: [outage(1_600, 1_900)] }), {
    at: 1_500,
    ahead: 500,
  })
  tally.add('w1', seen('endpoint'), { at: 1_000, ahead: 0 })
  t.same(tally.records(2_000), [
    {
      during: 'finish',
      place: 'cp1',
      target: 'endpoint',
      from: 1_000,
      to: 2_000,
      asked: 10,
      failed: 1,
      longestGapMs: 300,
      outages: [{ from: 1_100, to: 1_400, error: 'refused' }],
    },
    {
      during: 'finish',
      place: 'w1',
      target: 'endpoint',
      from: 1_000,
      to: 2_000,
      asked: 5,
      failed: 0,
      longestGapMs: 60,
      outages: [],
    },
  ])
})

t.test('who was to be asked and was not is said to be so, unless there was hardly time', async (t) => {
  const tally = new StepTally('finish')
  tally.expect({ place: 'cp1', target: 'endpoint' }, 0)
  tally.expect({ place: 'w1', target: 'endpoint' }, 4_900)
  t.match(tally.records(5_000), [{ place: 'cp1', asked: 0, failed: 0, longestGapMs: 0, outages: [] }])
  t.equal(tally.records(5_000).length, 1)
})

t.test(
  'an outage that goes on counts as far as it was seen, once, and is kept when the watch of the place ends',
  async (t) => {
    const tally = new StepTally('finish')
    const way = { place: 'cp1', target: 'endpoint' }
    for (const openGapMs of [100, 350, 600])
      tally.add('cp1', seen('endpoint', { openGapMs }), { at: 1_000 + openGapMs, ahead: 0 })
    t.equal(tally.outageMs(way), 600)
    tally.cutOff('w1')
    t.equal(tally.outageMs(way), 600)
    tally.cutOff('cp1')
    tally.cutOff('cp1')
    t.equal(tally.outageMs(way), 600)
    t.match(tally.records(2_000), [{ longestGapMs: 600, outages: [{ from: 1_000, to: 1_600 }] }])
  },
)

const parts = { places: ['cp1', 'w1'], first: 'cp1', budgetMs: 5_000, plannedMs: 0 }

t.test('the budget is that of the worst way of a user, and not of all ways together', async () => {
  const ms = fc.integer({ min: 0, max: 8_000 })
  fc.assert(
    fc.property(fc.array(ms, { minLength: 4, maxLength: 4 }), fc.boolean(), (lasted, hasEndpoint) => {
      const tally = new StepTally('finish')
      const ways = ['cp1', 'w1'].flatMap((place) => ['endpoint', 'write'].map((target) => ({ place, target })))
      for (const [index, { place, target }] of ways.entries())
        tally.add(place, seen(target, { outages: [outage(0, lasted[index] ?? 0)] }), { at: 9_000, ahead: 0 })
      const targets = hasEndpoint ? ['endpoint', 'cp1', 'write'] : ['cp1', 'write']
      const counted = lasted.filter((_, index) => hasEndpoint || ways[index]?.target === 'write')
      return (overBudget(tally, { ...parts, targets }) !== undefined) === Math.max(...counted) > 5_000
    }),
  )
})

t.test(
  'while there is no endpoint users are at the first control plane; after that its own address is not where they are',
  async (t) => {
    const tally = new StepTally('finish')
    tally.add('w1', seen('cp1', { outages: [outage(0, 3_000), outage(4_000, 7_000)] }), { at: 8_000, ahead: 0 })
    t.match(overBudget(tally, { ...parts, targets: ['cp1', 'write'] }), {
      code: 'AVAILABILITY_BUDGET_SPENT',
      where: 'w1',
      message: 'cp1 did not answer for 6.0 s in finish; 5 s are allowed in one step',
    })
    t.equal(overBudget(tally, { ...parts, targets: ['endpoint', 'cp1', 'write'] }), undefined)
  },
)

t.test('what was planned and accepted is allowed on top, and no more', async (t) => {
  const tally = new StepTally('join-control-planes')
  const targets = ['endpoint', 'cp1', 'write']
  tally.add('cp1', seen('endpoint', { outages: [outage(0, 34_000)] }), { at: 40_000, ahead: 0 })
  t.equal(overBudget(tally, { ...parts, targets, plannedMs: 30_000 }), undefined)
  tally.add('cp1', seen('endpoint', { outages: [outage(40_000, 42_000)] }), { at: 43_000, ahead: 0 })
  t.match(overBudget(tally, { ...parts, targets, plannedMs: 30_000 }), {
    message: /for 36.0 s in join-control-planes; 5 s are allowed in one step, plus 30 s planned/,
  })
})
