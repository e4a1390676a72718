import { type Clock, systemClock } from '@quorate/shared/clock'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'

/** A clock that is as fast as its sleepers. */
function quickClock(): Clock & { readonly slept: number[] } {
  let now = 1_000
  const slept: number[] = []
  return {
    slept,
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      slept.push(ms)
      now += ms
    },
  }
}

t.test('looks until it holds', async (t) => {
  const clock = quickClock()
  const waiting: string[] = []
  let looks = 0
  const value = await until('three looks', async () => (++looks === 3 ? holds('done') : notYet(`look ${looks}`)), {
    deadlineMs: 10_000,
    everyMs: 100,
    clock,
    onWaiting: (seen) => waiting.push(seen),
  })
  t.equal(value, 'done')
  t.strictSame(waiting, ['look 1', 'look 2'])
  t.strictSame(clock.slept, [100, 100])
})

t.test('gives up at its deadline and says what it saw last; an error is only one more look', async (t) => {
  let looks = 0
  const never = until(
    'the moon',
    async () => {
      if (++looks > 2) throw new Error('clouds')
      return notYet('day')
    },
    { deadlineMs: 5_000, everyMs: 1_000, clock: quickClock() },
  )
  await t.rejects(never, { code: 'GATE_TIMEOUT', message: 'waited 5 s for the moon; last seen: clouds' })
  t.equal(looks, 6, 'the last look is at the deadline')
})

t.test('stops when it is told to', async (t) => {
  const stop = new AbortController()
  const never = until('x', async () => notYet('y'), {
    deadlineMs: 60_000,
    everyMs: 30_000,
    signal: stop.signal,
    onWaiting: () => stop.abort(new Error('enough')),
  })
  await t.rejects(never, { message: 'enough' })
  await t.rejects(systemClock.sleep(10_000, AbortSignal.abort(new Error('before'))), { message: 'before' })
  await systemClock.sleep(1)
})
