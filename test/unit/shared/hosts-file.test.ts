import { QuorateError } from '@quorate/shared/errors'
import { outsideHostsBlock, withHostsBlock, withoutHostsBlock } from '@quorate/shared/hosts-file'
import fc from 'fast-check'
import t from 'tap'
import { damaged } from '../../support/mutations.js'

const hosts =
  '127.0.0.1 localhost\n# The following lines are for IPv6\n::1 ip6-localhost\n192.168.13.30 k8smaster1.example.com k8smaster1\n'
const block = '# BEGIN quorate\n192.168.13.100 apiserver.example.com\n# END quorate\n'

t.test('one block, first, so that no other line of that name wins', async (t) => {
  const managed = withHostsBlock(hosts, 'apiserver.example.com', '192.168.13.100')
  t.equal(managed, block + hosts)
  t.equal(withHostsBlock(managed, 'apiserver.example.com', '192.168.13.100'), managed, 'a second time')
  t.equal(withoutHostsBlock(managed), hosts)
  t.equal(withoutHostsBlock(hosts), hosts, 'nothing to remove')
})

t.test('a block that somebody moved is replaced where it is', async (t) => {
  const moved = hosts + block
  t.equal(
    withHostsBlock(moved, 'b.example.com', 'fd00::1'),
    `${hosts}# BEGIN quorate\nfd00::1 b.example.com\n# END quorate\n`,
  )
  t.equal(withoutHostsBlock(moved), hosts)
  t.equal(withoutHostsBlock(hosts + block.trimEnd()), hosts, 'even without a newline at the end')
})

t.test('a damaged block is not guessed at', async (t) => {
  for (const text of [
    '# BEGIN quorate\n',
    '# END quorate\n',
    block + block,
    '# END quorate\n# BEGIN quorate\n',
    `# BEGIN quorate\n${block}`,
  ]) {
    t.throws(() => withHostsBlock(text, 'a.b', '1.2.3.4'), { code: 'DRIFT', where: '/etc/hosts' }, JSON.stringify(text))
    t.throws(() => withoutHostsBlock(text), { code: 'DRIFT' })
  }
  t.equal(withoutHostsBlock('# BEGIN quorate2\n'), '# BEGIN quorate2\n', "another program's block is not ours")
})

t.test('only a name and an address get in', async (t) => {
  for (const [name, address] of [
    ['a b', '1.2.3.4'],
    ['a.b', '1.2.3'],
    ['a.b\n0.0.0.0 x', '1.2.3.4'],
    ['1.2.3.4', '1.2.3.4'],
    ['', ''],
  ] as const) {
    t.throws(() => withHostsBlock(hosts, name, address), { code: 'INVALID_REQUEST' }, JSON.stringify([name, address]))
  }
})

t.test('property: removing is the inverse of adding, byte for byte; never anything but a QuorateError', async () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    damaged(hosts),
    damaged(block + hosts),
    fc.constantFrom('', '\n', 'a', '\r\n', '\uFEFF'),
  )
  fc.assert(
    fc.property(texts, fc.ipV4(), (text, address) => {
      try {
        const clean = withoutHostsBlock(text)
        const managed = withHostsBlock(clean, 'apiserver.example.com', address)
        return managed.includes(`${address} apiserver.example.com`) && withoutHostsBlock(managed) === clean
      } catch (error) {
        if (error instanceof QuorateError && error.code === 'DRIFT') return true
        throw error
      }
    }),
    { numRuns: 500 },
  )
})

t.test('the lines outside of our block, also of a damaged one', async (t) => {
  const outside = (text: string): string => outsideHostsBlock(text).replace(/\n+/g, '\n')
  t.equal(outsideHostsBlock(hosts), hosts)
  t.equal(outside(withHostsBlock(hosts, 'api.example.com', '10.0.0.1')), `\n${hosts}`)
  t.equal(outside('a\n# BEGIN quorate\nb\n# BEGIN quorate\n# END quorate\nc\n# END quorate\n'), 'a\nc\n# END quorate\n')
  for (const text of ['# BEGIN quorate\na\n', 'a\n# END quorate\n', '# END quorate\na\n# BEGIN quorate\n'])
    t.equal(outsideHostsBlock(text), text, 'there is no block')
})
