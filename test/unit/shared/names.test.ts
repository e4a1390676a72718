import { QuorateError } from '@quorate/shared/errors'
import {
  formatEndpoint,
  isDnsName,
  parseEndpoint,
  parseNodeName,
  parseOperationId,
  parseRunId,
  serverUrl,
} from '@quorate/shared/names'
import fc from 'fast-check'
import t from 'tap'

t.test('names', async (t) => {
  for (const name of ['a', 'k8smaster1.example.com', '1a', 'a-b.c', 'a'.repeat(63)]) t.ok(isDnsName(name), name)
  for (const name of [
    '',
    'A',
    'a_b',
    '-a',
    'a-',
    'a..b',
    '.a',
    'a.',
    'a'.repeat(64),
    '192.168.13.30',
    '::1',
    'a/b',
    'a\n',
  ]) {
    t.notOk(isDnsName(name), JSON.stringify(name))
    t.throws(() => parseNodeName(name), { code: 'INVALID_REQUEST' })
  }
  for (const id of ['', '-a', '../a', 'a b', 'A', 'a'.repeat(65), 'a\n']) {
    t.throws(() => parseOperationId(id), { code: 'INVALID_REQUEST' }, JSON.stringify(id))
    t.throws(() => parseRunId(id), { code: 'RUN_NOT_FOUND' })
  }
  t.equal(parseRunId('20261122t174258-abc123'), '20261122t174258-abc123')
})

t.test('endpoints', async (t) => {
  t.strictSame(parseEndpoint('apiserver.example.com:8443'), { host: 'apiserver.example.com', port: 8443 })
  for (const text of [
    '',
    'a',
    'a:',
    'a:0',
    'a:65536',
    'a:1x',
    '192.168.13.100:8443',
    '[::1]:1',
    'https://a:1',
    'a:1\n',
  ])
    t.equal(parseEndpoint(text), undefined, JSON.stringify(text))
  t.equal(formatEndpoint({ host: 'a', port: 1 }), 'a:1')
  t.equal(serverUrl({ host: 'a', port: 1 }), 'https://a:1')
  t.equal(serverUrl({ host: 'fd00::1', port: 1 }), 'https://[fd00::1]:1')
})

t.test('fuzz: a name or a QuorateError', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const endpoint = parseEndpoint(text)
      if (endpoint !== undefined && parseEndpoint(formatEndpoint(endpoint)) === undefined) return false
      for (const parse of [parseNodeName, parseOperationId, parseRunId]) {
        try {
          if (parse(text) !== text) return false
        } catch (error) {
          if (!(error instanceof QuorateError)) return false
        }
      }
      return true
    }),
  )
})
