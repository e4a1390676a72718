import { Tally } from '@quorate/agent/ops/availability/tally'
import type { AvailabilityOutage } from '@quorate/shared/gen/quorate/v1/node_agent'
import fc from 'fast-check'
import t from 'tap'

/** Answers at growing times; undefined: it failed. */
const answers = fc.array(
  fc.record({ after: fc.integer({ min: 0, max: 5_000 }), good: fc.boolean(), take: fc.boolean() }),
  { maxLength: 60 },
)

t.test('whatever comes and whenever it is told: nothing is lost, nothing counted twice', async () => {
  fc.assert(
    fc.property(answers, fc.integer({ min: 0, max: 1e12 }), (list, begun) => {
      const tally = new Tally('one', begun)
      const sum = { asked: 0, failed: 0, longest: 0, outages: [] as AvailabilityOutage[] }
      const take = (now: number) => {
        const seen = tally.take(now)
        sum.asked += seen.asked
        sum.failed += seen.failed
        sum.longest = Math.max(sum.longest, seen.longestGapMs)
        sum.outages.push(...seen.outages)
        return seen
      }
      // The same, reckoned from the whole list at once.
      let now = begun
      let lastGood: number | undefined
      let isFailing = false
      const expected = { longest: 0, outages: [] as { fromUnixMs: number; toUnixMs: number }[] }
      for (const [index, { after, good, take: tells }] of list.entries()) {
        now += after
        if (good) {
          const since = lastGood ?? begun
          if (lastGood !== undefined || isFailing) expected.longest = Math.max(expected.longest, now - since)
          if (isFailing) expected.outages.push({ fromUnixMs: since, toUnixMs: now })
          lastGood = now
          isFailing = false
          tally.good(now)
        } else {
          isFailing = true
          tally.failed(`reason ${index}`, now)
        }
        if (tells) take(now)
      }
      const { openGapMs } = take(now + 7)
      const failed = list.filter(({ good }) => !good).length
      return (
        sum.asked === list.length &&
        sum.failed === failed &&
        sum.longest === expected.longest &&
        JSON.stringify(sum.outages.map(({ fromUnixMs, toUnixMs }) => ({ fromUnixMs, toUnixMs }))) ===
          JSON.stringify(expected.outages) &&
        openGapMs === (isFailing ? now + 7 - (lastGood ?? begun) : 0)
      )
    }),
  )
})

t.test('an outage is named after what failed first in it', async (t) => {
  const tally = new Tally('one', 0)
  tally.good(10)
  tally.failed('refused', 10)
  tally.failed('no answer', 60)
  t.match(tally.take(100), { asked: 3, failed: 2, openGapMs: 90, outages: [] })
  tally.good(200)
  t.same(tally.take(210), {
    name: 'one',
    asked: 1,
    failed: 0,
    longestGapMs: 190,
    outages: [{ fromUnixMs: 10, toUnixMs: 200, error: 'refused' }],
    openGapMs: 0,
  })
})

t.test(
  'what was given up after a newer question was answered opens no outage: it belongs to the one that is over',
  async (t) => {
    const tally = new Tally('one', 0)
    tally.good(100)
    tally.failed('no answer', 99)
    t.match(tally.take(200), { asked: 2, failed: 1, outages: [], openGapMs: 0 })
    tally.failed('refused', 101)
    t.match(tally.take(200), { failed: 1, openGapMs: 100 })
  },
)
