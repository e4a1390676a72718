import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { eventLine } from '@quorate/coordinator/cli/render/run-lines'
import { availabilityLine, totalOf, withSeenNow } from '@quorate/coordinator/engine/availability'
import type { AvailabilityRecord, RunEvent } from '@quorate/coordinator/engine/events'
import { foldRun } from '@quorate/coordinator/engine/fold'
import { seenNowStore } from '@quorate/coordinator/engine/seen-now'
import { holds, notYet, until } from '@quorate/shared/until'
import t from 'tap'

const seen = (change: Partial<AvailabilityRecord> = {}): AvailabilityRecord => ({
  during: 'back-up-files',
  place: 'cp1',
  target: 'endpoint',
  from: 1,
  to: 2,
  asked: 20,
  failed: 0,
  longestGapMs: 60,
  outages: [],
  ...change,
})
const fold = (...events: RunEvent[]) => foldRun(events.map((event, at) => ({ seq: at + 1, at, run: 'r1', event })))

t.test('what was seen is kept as it was written, and belongs to no step', async (t) => {
  const [one, two] = [seen(), seen({ target: 'write', failed: 1, outages: [{ from: 1, to: 2, error: 'refused' }] })]
  const state = fold({ kind: 'availability', ...one }, { kind: 'availability', ...two })
  t.same(state.availability, [one, two])
  t.same(state.steps, [])
})

t.test(
  'one line for all: reads and writes apart, the longest gap of each; what was not watched is not said to be good',
  async (t) => {
    t.equal(availabilityLine([]), undefined)
    t.equal(
      availabilityLine([
        seen(),
        seen({ place: 'w1', failed: 2, longestGapMs: 300 }),
        seen({ target: 'write', asked: 0, longestGapMs: 0 }),
      ]),
      '38 reads ok, 2 failed, longest gap 300 ms; writes not watched',
    )
    t.same(totalOf([]), { asked: 0, failed: 0, longestGapMs: 0 })
  },
)

t.test('a run that is followed line by line says failures when they are known, and the sum at its end', async (t) => {
  const line = (event: RunEvent, state = fold(event)) => eventLine({ seq: 1, at: 0, run: 'r1', event }, state)
  t.equal(line({ kind: 'availability', ...seen() }), undefined)
  t.match(
    line({ kind: 'availability', ...seen({ failed: 1 }) }),
    /back-up-files: endpoint asked from cp1: 19 reads ok, 1 failed/,
  )
  const ended: RunEvent = { kind: 'run-ended', outcome: 'done' }
  t.match(line(ended, fold({ kind: 'availability', ...seen() }, ended)), /ended: done, .*; API: 20 reads ok, 0 failed/)
})

t.test('what was seen of the step at work counts until the journal says it', async (t) => {
  const journaled = [seen(), seen({ during: 'join', failed: 1 })]
  const now = [
    seen({ during: 'join', from: 7, asked: 5, failed: 3 }),
    seen({ during: 'join', from: 7, target: 'write' }),
  ]
  t.equal(totalOf(withSeenNow(journaled, now)).failed, 4)
  t.equal(withSeenNow(journaled, now).length, 4)
  const said = [...journaled, seen({ during: 'join', from: 7, asked: 9, failed: 4 })]
  t.equal(totalOf(withSeenNow(said, now)).failed, 5, 'not a second time')
})

t.test('what is seen now is read by its own process at once and by others soon; nothing is left of it', async (t) => {
  const folder = join(t.testdir({ file: '' }), 'seen-now')
  const [own, other] = [seenNowStore(folder), seenNowStore(folder)]
  const [first, second] = [[seen()], [seen({ failed: 1 })]]
  t.same(await other.read('r1'), [])
  own.write('r1', first)
  own.write('r1', second)
  t.same(await own.read('r1'), second)
  const read = async (wanted: readonly AvailabilityRecord[]) => {
    const text = JSON.stringify(await other.read('r1'))
    return text === JSON.stringify(wanted) ? holds(text) : notYet(text)
  }
  await until('the first', () => read(first), { deadlineMs: 60_000, everyMs: 10 })
  own.write('r1', second)
  t.same(await other.read('r1'), first, 'a disk is written to twice a second at most')
  await new Promise((resolve) => setTimeout(resolve, 550))
  own.write('r1', second)
  await until('the second', () => read(second), { deadlineMs: 60_000, everyMs: 10 })
  own.write('r1', [])
  await until('its end', () => read([]), { deadlineMs: 60_000, everyMs: 10 })
  t.same(readdirSync(folder), [])
  const nowhere = seenNowStore(join(folder, '../file/below'))
  nowhere.write('r1', first)
  t.same(await nowhere.read('r1'), first, 'a folder that takes nothing disturbs no run')
})
