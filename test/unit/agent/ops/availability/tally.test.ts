import { Tally } from '@quorate/agent/ops/availability/tally'
import type { AvailabilityOutage } from '@quorate/shared/gen/quorate/v1/node_agent'
import fc from 'fast-check'
import t from 'tap'

/** Asked and answered at once, by a machine that never stood still unless told otherwise. */
const moment = (at: number, stalled = { meanwhile: 0, inAll: 0 }) => ({ at, askedAt: at, stalled })

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
          tally.good(moment(now))
        } else {
          isFailing = true
          tally.failed(`reason ${index}`, moment(now))
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

t.test('a request that fails while younger ones are answered is told with its error and no length', async (t) => {
  const tally = new Tally('one', 0)
  tally.good(moment(500))
  tally.failed('no answer within 2000 ms', { ...moment(2_100), askedAt: 100 })
  t.match(tally.take(2_200), {
    failed: 1,
    openGapMs: 0,
    outages: [{ fromUnixMs: 100, toUnixMs: 100, error: 'no answer within 2000 ms' }],
  })
})

t.test('an outage is named after what failed first in it', async (t) => {
  const tally = new Tally('one', 0)
  tally.good(moment(10))
  tally.failed('refused', moment(10))
  tally.failed('no answer', moment(60))
  t.match(tally.take(100), { asked: 3, failed: 2, openGapMs: 90, outages: [] })
  tally.good(moment(200))
  t.same(tally.take(210), {
    name: 'one',
    asked: 1,
    failed: 0,
    longestGapMs: 190,
    outages: [{ fromUnixMs: 10, toUnixMs: 200, error: 'refused' }],
    openGapMs: 0,
    stalledMs: 0,
  })
})

t.test(
  'what was given up after a newer question was answered opens no outage: it belongs to the one that is over',
  async (t) => {
    const tally = new Tally('one', 0)
    tally.good(moment(100))
    tally.failed('no answer', moment(99))
    t.match(tally.take(200), { asked: 2, failed: 1, outages: [], openGapMs: 0 })
    tally.failed('refused', moment(101))
    t.match(tally.take(200), { failed: 1, openGapMs: 100 })
  },
)

t.test('the time in which the asking machine stood still is in no gap, and what it cost did not fail', async (t) => {
  const tally = new Tally('one', 0)
  tally.good(moment(100))
  tally.good(moment(3_150, { meanwhile: 0, inAll: 3_000 }))
  t.match(tally.take(3_200), { asked: 2, failed: 0, longestGapMs: 50, outages: [], stalledMs: 3_000 })
  tally.failed('ECONNRESET', moment(5_200, { meanwhile: 2_000, inAll: 5_000 }))
  t.match(tally.take(5_300), { asked: 0, failed: 0, openGapMs: 0, stalledMs: 2_000 })
  tally.failed('refused', moment(5_400, { meanwhile: 0, inAll: 5_000 }))
  tally.good(moment(7_500, { meanwhile: 0, inAll: 6_500 }))
  t.match(tally.take(7_500), { failed: 1, longestGapMs: 850, outages: [{ fromUnixMs: 6_650, toUnixMs: 7_500 }] })
})

t.test('what was never reached from here is not a failure of its own, until it was', async (t) => {
  const tally = new Tally('one', 0, true)
  tally.failed('refused', moment(100))
  t.match(tally.take(200), { asked: 0, failed: 0, openGapMs: 0 })
  tally.good(moment(300))
  tally.failed('refused', moment(400))
  t.match(tally.take(500), { asked: 2, failed: 1, openGapMs: 200 })
})
