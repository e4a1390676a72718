import { duration, shortNames } from '@quorate/coordinator/report/words'
import t from 'tap'
import { timeScale } from '../../../../../coordinator/src/report/html/scale.js'

const start = Date.UTC(2026, 10, 22, 22)

t.test('one stretch of work fills the width, with even ticks', async (t) => {
  const scale = timeScale([
    { from: start, to: start + 4_000 },
    { from: start + 4_000, to: start + 20_000 },
  ])
  t.same([scale.at(start), scale.at(start + 5_000), scale.at(start + 20_000)], [0, 25, 100])
  t.same(
    scale.ticks.map(({ at, label }) => `${label} at ${at}`),
    ['0 at 0', '5 s at 25', '10 s at 50', '15 s at 75', '20 s at 100'],
  )
  t.same(scale.breaks, [])
  t.same([scale.at(start - 1), scale.at(start + 99_000)], [0, 100], 'what is outside is drawn at the edge')
})

t.test('a night between two halves of a run takes no room', async (t) => {
  const morning = start + 10 * 3_600_000
  const scale = timeScale([
    { from: start, to: start + 30_000 },
    { from: morning, to: morning + 30_000 },
  ])
  t.same([scale.at(start + 30_000), scale.at(morning), scale.at(morning + 30_000)], [48, 52, 100])
  t.same(scale.breaks, [{ at: 48, width: 4, ms: 10 * 3_600_000 - 30_000 }])
  t.same(
    scale.ticks.map(({ label }) => label),
    ['22:00:00', '08:00:00'],
  )
  t.equal(scale.at(start + 3_600_000), 48, 'a moment in it is where the work stopped')
})

t.test('many short attempts: the work keeps its room, and no label is printed over another', async (t) => {
  const spans = Array.from({ length: 60 }, (_, index) => ({
    from: start + index * 9_000,
    to: start + index * 9_000 + 999,
  }))
  const scale = timeScale(spans)
  t.equal(scale.breaks.length, 59, 'each pause has its mark, however short')
  t.ok(scale.breaks.reduce((sum, { width }) => sum + width, 0) <= 40.001)
  t.ok(scale.ticks.every(({ at }, index) => index === 0 || at - (scale.ticks[index - 1]?.at ?? 0) >= 18))
})

t.test('a run of which nothing is known, or that took no time, is drawn all the same', async (t) => {
  t.equal(timeScale([]).at(start), 0)
  t.same(timeScale([{ from: start, to: start }]).at(start), 0)
})

t.test('words', async (t) => {
  t.same([83, 12_340, 59_960, 125_400, 3_720_000].map(duration), [
    '83 ms',
    '12.3 s',
    '1 min 00 s',
    '2 min 05 s',
    '1 h 02 min',
  ])
  const short = shortNames(['cp1.example.com', 'w1.example.com'])
  t.same([short('cp1.example.com'), short('elsewhere.org')], ['cp1', 'elsewhere.org'])
  t.equal(shortNames(['a.one', 'b.two'])('a.one'), 'a.one', 'names of two domains stay whole')
})
