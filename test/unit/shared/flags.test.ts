import { flagValues, lastFlag, readFlags } from '@quorate/shared/flags'
import t from 'tap'

const pairs = (...words: string[]) => readFlags(words).map(({ name, value }) => `${name}=${value}`)

t.test('every way to write a flag is read alike', async (t) => {
  t.same(pairs('kube-apiserver', '--secure-port=7443'), ['secure-port=7443'])
  t.same(pairs('kube-apiserver', '--secure-port', '7443'), ['secure-port=7443'])
  t.same(pairs('etcd', '-name', 'cp1', '-v=2'), ['name=cp1', 'v=2'])
  t.same(pairs('kube-apiserver', '--secure_port=7443'), ['secure-port=7443'], 'as WordSepNormalizeFunc has it')
  t.same(pairs('x', '--profiling', '--leader-elect'), ['profiling=true', 'leader-elect=true'])
  t.same(pairs('x', '--empty=', '--b'), ['empty=', 'b=true'])
  t.same(pairs('x', '--a=b=c', '--lines=1\n2'), ['a=b=c', 'lines=1\n2'])
  t.same(pairs('x', '--v', '-1'), ['v=-1'], 'a number is no flag')
  t.same(pairs('x', '--a', '--', '--b'), ['a=true'], 'after -- there are none')
})

t.test('a repeated flag has its values in order; the last one counts where it is no list', async (t) => {
  const words = ['x', '--issuer=https://a', '--issuer', 'https://b']
  t.same(flagValues(words, 'issuer'), ['https://a', 'https://b'])
  t.equal(lastFlag(words, 'issuer'), 'https://b')
  t.equal(lastFlag(words, 'other'), undefined)
})
