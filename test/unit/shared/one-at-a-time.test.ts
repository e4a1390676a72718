import { oneAtATime } from '@quorate/shared/one-at-a-time'
import t from 'tap'

t.test('in the order in which they come, also behind one that fails; each caller gets its own end', async (t) => {
  const did: string[] = []
  const inTurn = oneAtATime()
  const work = (name: string) => async () => {
    did.push(`${name} begins`)
    await new Promise(setImmediate)
    did.push(`${name} ends`)
    if (name === 'a') throw new Error('a failed')
    return name
  }
  const ends = await Promise.allSettled(['a', 'b', 'c'].map((name) => inTurn(work(name))))
  t.match(ends, [{ reason: { message: 'a failed' } }, { value: 'b' }, { value: 'c' }])
  t.same(
    did,
    ['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  )
})
