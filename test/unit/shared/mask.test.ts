import { createHash } from 'node:crypto'
import { areIncomparable, isMasked, maskBy, maskedValue, maskedWords, withoutMasks } from '@quorate/shared/mask'
import t from 'tap'

const [mask, another] = [maskBy(Buffer.from('one')), maskBy(Buffer.from('another'))]

t.test('the same secret has the same mark under one key, and no other has it', async (t) => {
  t.equal(mask('hunter2'), mask('hunter2'))
  t.not(mask('hunter2'), mask('hunter3'))
  t.not(mask('hunter2'), another('hunter2'))
  t.match(mask('hunter2'), /^<masked:[0-9a-f]{8}:[0-9a-f]{16}>$/)
  t.ok(isMasked(`http://${mask('a:b')}@proxy`))
})

t.test('without the key nobody finds the secret by trying', async (t) => {
  const [, , mark = ''] = /^<masked:([0-9a-f]+):([0-9a-f]+)>$/.exec(mask('1234')) ?? []
  for (let pin = 0; pin < 10_000; pin++) {
    const text = String(pin).padStart(4, '0')
    for (const guess of [text, `secret ${text}`])
      if (createHash('sha256').update(guess).digest('hex').includes(mark)) t.fail(`found ${text}`)
  }
  t.pass()
})

t.test('people see that there is a secret, and no mark', async (t) => {
  t.equal(withoutMasks(`--a=${mask('x')} --b=1`), '--a=<masked> --b=1')
})

t.test('marks of different keys say nothing about each other', async (t) => {
  t.ok(areIncomparable([mask('x')], [another('x')]))
  t.notOk(areIncomparable([mask('x')], [mask('y')]))
  t.notOk(areIncomparable([mask('x')], []))
  t.notOk(areIncomparable([mask('x')], ['plain']))
  const url = (one: string, host: string) => `http://${one}@${host}:3128`
  t.ok(areIncomparable([url(mask('u:p'), 'proxy')], [url(another('u:p'), 'proxy')]))
  t.notOk(areIncomparable([url(mask('u:p'), 'proxy')], [url(another('u:p'), 'other')]), 'the hosts differ')
})

t.test('what is a secret, and what only sounds like one', async (t) => {
  const plain = [
    ['--enable-bootstrap-token-auth', 'true'],
    ['--token-auth-file', '/etc/kubernetes/tokens.csv'],
    ['--authentication-token-webhook-cache-ttl', '2m0s'],
    ['--authentication-token-webhook-version', 'v1beta1'],
    ['--concurrent-serviceaccount-token-syncs', '5'],
    ['--auth-token', 'simple'],
    ['--use-service-account-credentials', 'true'],
    ['--etcd-servers', 'https://127.0.0.1:2379,https://[::1]:2379'],
    ['AWS_SHARED_CREDENTIALS_FILE', '/etc/aws/credentials'],
    ['NO_PROXY', '10.0.0.0/8,user@example.com'],
    ['TOKEN', ''],
  ] as const
  for (const [name, value] of plain) t.equal(maskedValue(mask, name, value), value, `${name}=${value}`)
  const secret = [
    ['--token', 'abcdef.0123456789abcdef'],
    ['--password', '12345'],
    ['API_KEY', '12345'],
    ['AWS_SECRET_ACCESS_KEY', 'a/b+c'],
    ['TOKEN', '12345'],
    ['DB_PASSWORD', 'true story'],
  ] as const
  for (const [name, value] of secret) t.equal(maskedValue(mask, name, value), mask(value), `${name}=${value}`)
})

t.test('of a URL only who asks is a secret', async (t) => {
  t.equal(maskedValue(mask, 'HTTPS_PROXY', 'http://user:pw@proxy:3128'), `http://${mask('user:pw')}@proxy:3128`)
  t.equal(
    maskedValue(mask, '--etcd-servers', 'https://a:b@one:2379,https://two:2379'),
    `https://${mask('a:b')}@one:2379,https://two:2379`,
  )
})

t.test('a secret stands in the word of its flag or in the next one', async (t) => {
  t.same(maskedWords(mask, ['kms', '--token=abc', '--token', 'def', '--token', '--v', '4', '-password', 'x']), [
    ...['kms', `--token=${mask('abc')}`, '--token', mask('def'), '--token', '--v', '4', '-password', mask('x')],
  ])
})

t.test('what is too long to be looked through is a secret as a whole', async (t) => {
  for (const piece of ['://a@', 'a', ':/', '@', '<masked:']) {
    const text = piece.repeat(60_000)
    t.equal(maskedValue(mask, 'A', text), mask(text), piece)
    t.ok(withoutMasks(text).length > 0)
  }
})
