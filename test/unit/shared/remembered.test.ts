import { remembered } from '@quorate/shared/remembered'
import t from 'tap'

t.test('the last texts are read once, older ones again, and a text that fails each time', async (t) => {
  const read: string[] = []
  const of = remembered((text) => {
    read.push(text)
    if (text === 'bad') throw new Error('no pod')
    return { text }
  }, 2)
  t.equal(of('a'), of('a'), 'the same object')
  of('b')
  of('c')
  of('b')
  t.same(read, ['a', 'b', 'c'])
  of('a')
  t.same(read, ['a', 'b', 'c', 'a'], 'the oldest of three was forgotten')
  for (let time = 0; time < 2; time++) t.throws(() => of('bad'), 'no pod')
  t.same(read.slice(4), ['bad', 'bad'])
})

t.test('long texts are not held', async (t) => {
  let times = 0
  const of = remembered((text) => ({ size: text.length, times: ++times }))
  for (let time = 1; time <= 2; time++) t.equal(of('x'.repeat(65_537)).times, time)
})
