import { linesOf } from '@quorate/coordinator/failures/lines'
import { recognise } from '@quorate/coordinator/failures/recognise'
import fc from 'fast-check'
import t from 'tap'
import { allSaid } from './said.js'

async function* pieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

const read = (text: string, size = 7) => recognise(linesOf(pieces(Buffer.from(text), size)))

t.test('each message once, with how often and where it came first', async (t) => {
  const { lines, recognised } = await read(
    'all is well\netcdserver: leader changed\nx\n\netcdserver: leader changed\r\netcdserver: too many learner members in cluster',
  )
  t.equal(lines, 6)
  t.match(recognised, [
    { explanation: 'leader-changed', failures: ['F32'], count: 2, lineNumber: 2, line: 'etcdserver: leader changed' },
    { explanation: 'learners-too-many', failures: ['F28'], count: 1, lineNumber: 6 },
  ])
})

t.test('a log with every message has every explanation', async (t) => {
  const { recognised } = await read(allSaid.map(({ text }) => text).join('\n'), 4096)
  t.same(
    recognised.map(({ explanation }) => explanation),
    [...new Set(allSaid.map(({ explanation }) => explanation))],
  )
  for (const { failures } of recognised) t.ok(failures.length > 0)
})

t.test('an empty log has no lines, and a line that does not end is one', async (t) => {
  t.same(await read(''), { lines: 0, recognised: [] })
  t.equal((await read('\n')).lines, 1)
  t.equal((await read('a\nb')).lines, 2)
})

t.test('a line is kept up to its longest only, and the next one is read as ever', async (t) => {
  const long = Buffer.concat([Buffer.alloc(3_000_000, 'a'), Buffer.from('\netcdserver: leader changed\n')])
  const [first, second] = await collect(linesOf(pieces(long, 65_536)))
  t.equal(first?.length, 16_384)
  t.equal(second, 'etcdserver: leader changed')
})

t.test('whatever comes in, in whatever pieces, nothing breaks and the lines are the same', async () => {
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc
      .array(fc.oneof(fc.string(), fc.constantFrom(...allSaid.map((said) => said.text)), fc.constant('\n')))
      .map((parts) => new Uint8Array(Buffer.from(parts.join('')))),
  )
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 50 }), async (bytes, size) => {
      const whole = await collect(linesOf(pieces(bytes, bytes.length + 1), 80))
      const pieced = await collect(linesOf(pieces(bytes, size), 80))
      t.same(pieced, whole)
      const { lines, recognised } = await recognise(linesOf(pieces(bytes, size)))
      const counted = recognised.reduce((sum, { count }) => sum + count, 0)
      return lines === whole.length && counted <= lines && whole.every((line) => line.length <= 80)
    }),
  )
})

t.test('a line made to be slow is as long as any other', async (t) => {
  const parts = [
    'x509: certificate is valid for ',
    'Failed to watch',
    'error execution phase ',
    'FileAvailable--',
    'is forbidden: ',
  ]
  const hostile = parts.map((part) => part.repeat(2_000)).join('\n')
  t.equal((await read(hostile, 65_536)).lines, parts.length)
})
