import { newCertificateKey, newToken } from '@quorate/shared/bootstrap-token'
import { createFleetCa } from '@quorate/shared/issue-certificate'
import { createLog } from '@quorate/shared/log'
import { redact } from '@quorate/shared/redact'
import fc from 'fast-check'
import t from 'tap'

const { certPem, keyPem } = createFleetCa('a')
const token = newToken()
const certificateKey = newCertificateKey()

t.test('what is secret goes, wherever it stands', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    [keyPem, keyPem.split('\n')[1] ?? ''],
    [keyPem.slice(0, 120), keyPem.split('\n')[1] ?? ''],
    [`x ${JSON.stringify({ pem: keyPem })} y`, keyPem.split('\n')[1] ?? ''],
    [Buffer.from(keyPem).toString('base64'), Buffer.from(keyPem).toString('base64').slice(60, 90)],
    [`kubeadm join a:1 --token ${token.id}.${token.secret} --x`, token.secret],
    [`token: ${token.id}.${token.secret}`, token.secret],
    [`certificateKey: "${certificateKey}"`, certificateKey],
    [`--certificate-key ${certificateKey}`, certificateKey],
    [`Using certificate key:\n${certificateKey}`, certificateKey],
    [`token quorate-node_k8sworker3.example.com_${'Z_-9'.repeat(10)}abc_${'0'.repeat(64)}`, 'Z_-9Z_-9'],
    [`quorate_dash-board_${'Z_-9'.repeat(10)}abc`, 'Z_-9Z_-9'],
    ['client-key-data: c2VjcmV0', 'c2VjcmV0'],
    ['{"password":"a b c"}', 'a b c'],
    ["auth_pass 'x': password: 'it is'", 'it is'],
    [`Authorization: Bearer ${'a'.repeat(20)}`, 'a'.repeat(20)],
    [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl`, 'c2lnbmF0dXJl'],
    ['https://admin:hunter2@registry.example.com/', 'hunter2'],
    ['AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQ', 'QQQQ'],
  ]
  for (const [text, secret] of cases) {
    t.ok(text.includes(secret), 'the case is a case')
    t.notOk(redact(text).includes(secret), text.slice(0, 60))
  }
})

t.test('what is public stays', async (t) => {
  for (const text of [
    certPem,
    Buffer.from(certPem).toString('base64'),
    `sha256:${'0a'.repeat(32)}`,
    `snapshot.db sha256 ${'0a'.repeat(32)}`,
    'server: https://apiserver.example.com:8443',
    'tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token',
    'k8smaster1.example.com kube-apiserver-k8smaster1.example.com',
    'jws-kubeconfig-abcdef: eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8',
    'client-key: /var/lib/kubelet/pki/kubelet-client-current.pem',
    'the bootstrap token has expired',
  ]) {
    t.equal(redact(text), text)
  }
})

t.test('property: harmless to do twice, and it ends on hostile text', async () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => redact(redact(text)) === redact(text)))
  // Backtracking without end would outlast the runner's patience.
  for (const piece of ['a', 'token', '"', 'eyJ', 'LS0tLS1CRUdJTiB', '://a:', '-----BEGIN PRIVATE KEY-----'])
    redact(piece.repeat(20_000))
})

t.test('a log line is one line of JSON, redacted', async (t) => {
  const lines: string[] = []
  const log = createLog('quorate-agent', (line) => lines.push(line))
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  log.info('joined', {
    node: 'a',
    text: `--token ${token.id}.${token.secret}`,
    token: 'x',
    keyPem,
    nested: { password: 'hunter2', n: 1n },
  })
  log.warn('failed', { error: new Error(`no: ${token.id}.${token.secret}`, { cause: new Error('deeper') }) })
  log.error('odd', circle)
  log.info('bare')
  const read = lines.map((line) => JSON.parse(line))
  t.ok(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1))
  t.match(read[0], {
    level: 'info',
    name: 'quorate-agent',
    event: 'joined',
    node: 'a',
    token: '[redacted]',
    nested: { password: '[redacted]', n: '1' },
  })
  t.match(read[1], {
    level: 'warn',
    error: { name: 'Error', message: `no: ${token.id}.[redacted]`, cause: { message: 'deeper' } },
  })
  t.match(read[2], { level: 'error', event: 'odd' })
  t.match(read[3].time, /^\d{4}-\d\d-\d\dT/)
  t.notMatch(lines.join(''), token.secret)
  t.notMatch(lines.join(''), keyPem.split('\n')[1] ?? '')
})
