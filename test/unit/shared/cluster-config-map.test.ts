import assert from 'node:assert/strict'
import {
  readClusterConfiguration,
  setControlPlaneEndpoint,
  withCertificatesDir,
} from '@quorate/shared/cluster-config-map'
import { unifiedDiff } from '@quorate/shared/diff'
import { QuorateError } from '@quorate/shared/errors'
import fc from 'fast-check'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { fixtureData, fixtureVersions } from '../../support/fixtures.js'
import { damaged } from '../../support/mutations.js'

const endpoint = 'apiserver.example.com:8443'
const sans = ['apiserver.example.com', '192.168.13.100']
const invalid = { name: 'QuorateError', code: 'CONFIG_MAP_INVALID' }

const real = (version: (typeof fixtureVersions)[number], when: 'before' | 'after'): string =>
  fixtureData(version, `${when}/cm-kubeadm-config.yaml`, 'ClusterConfiguration')

/** Lines that differ, as a diff prints them. */
const changedLines = (before: string, after: string): string[] =>
  unifiedDiff('x', before, after)
    .split('\n')
    .filter((line) => /^[+-](?![+-])/.test(line))

t.test('what kubeadm wrote becomes what a person made of it, in meaning; only the intended lines change', async (t) => {
  for (const version of fixtureVersions) {
    const before = real(version, 'before')
    const after = setControlPlaneEndpoint(before, endpoint, sans)
    t.strictSame(parse(after), parse(real(version, 'after')), version)
    t.strictSame(
      changedLines(before, after),
      [
        ...(version === 'v1.37.2' ? ['-apiServer: {}', '+apiServer:'] : []),
        ...['+  certSANs:', '+  - apiserver.example.com', '+  - 192.168.13.100'],
        '+controlPlaneEndpoint: apiserver.example.com:8443',
      ],
      version,
    )
    t.strictSame(Object.keys(parse(after)), Object.keys(parse(after)).sort(), 'keys are sorted as kubeadm sorts them')
    t.equal(setControlPlaneEndpoint(after, endpoint, sans), after, 'a second time')
  }
})

t.test('reads what kubeadm wrote, and its defaults', async (t) => {
  t.strictSame(readClusterConfiguration(real('v1.30.4', 'before')), {
    apiVersion: 'v1beta3',
    kubernetesVersion: 'v1.30.4',
    certSans: [],
    certificatesDir: '/etc/kubernetes/pki',
    imageRepository: 'registry.k8s.io',
    clusterName: 'kubernetes',
    serviceSubnet: '10.96.0.0/12',
    podSubnet: '',
    dnsDomain: 'cluster.local',
    etcd: { kind: 'local', dataDir: '/var/lib/etcd' },
    featureGates: {},
  })
  t.match(readClusterConfiguration(real('v1.37.2', 'after')), {
    apiVersion: 'v1beta4',
    controlPlaneEndpoint: endpoint,
    certSans: sans,
  })
  const bare = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.34.4\n'
  t.match(readClusterConfiguration(bare), {
    certificatesDir: '/etc/kubernetes/pki',
    serviceSubnet: '10.96.0.0/12',
    etcd: { kind: 'local', dataDir: '/var/lib/etcd' },
  })
  const more = `${bare}etcd: {external: {endpoints: ['https://a:2379'], caFile: /etc/etcd/ca.crt}}\nfeatureGates: {EtcdLearnerMode: true, X: false}\ncontrolPlaneEndpoint: ""\n`
  t.match(readClusterConfiguration(more), {
    etcd: { kind: 'external', endpoints: ['https://a:2379'], caFile: '/etc/etcd/ca.crt', certFile: '', keyFile: '' },
    featureGates: { EtcdLearnerMode: true, X: false },
  })
  t.notOk('controlPlaneEndpoint' in readClusterConfiguration(more), 'an empty one is none')
})

const head = 'apiVersion: kubeadm.k8s.io/v1beta4\n'
const tail = 'kind: ClusterConfiguration\nkubernetesVersion: v1.34.4\n'
const list = '  certSANs:\n  - apiserver.example.com\n  - 192.168.13.100\n'
const cpe = `controlPlaneEndpoint: ${endpoint}\n`

t.test('each way that the fields may stand there', async (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['no apiServer', head + tail, `apiServer:\n${list}${head}${cpe}${tail}`],
    ['empty with a comment', `apiServer: {} # mine\n${head}${tail}`, `apiServer: # mine\n${list}${head}${cpe}${tail}`],
    ['empty over lines', `apiServer: {\n  }\n${head}${tail}`, `apiServer:\n${list}${head}${cpe}${tail}`],
    ['nothing', `apiServer:\n${head}${tail}`, `apiServer:\n${list}${head}${cpe}${tail}`],
    ['null', `apiServer: null\n${head}${tail}`, `apiServer:\n${list}${head}${cpe}${tail}`],
    [
      'a block',
      `apiServer:\n    extraArgs: []\n${head}${tail}`,
      `apiServer:\n${list.replace(/^ {2}/gm, '    ')}    extraArgs: []\n${head}${cpe}${tail}`,
    ],
    [
      'a flow map',
      `apiServer: {extraArgs: []}\n${head}${tail}`,
      `apiServer: {"certSANs":["apiserver.example.com","192.168.13.100"], extraArgs: []}\n${head}${cpe}${tail}`,
    ],
    ['an empty list', `apiServer:\n  certSANs: []\n${head}${tail}`, `apiServer:\n${list}${head}${cpe}${tail}`],
    [
      'an empty list in a flow map',
      `apiServer: {certSANs: []}\n${head}${tail}`,
      `apiServer: {certSANs: ["apiserver.example.com","192.168.13.100"]}\n${head}${cpe}${tail}`,
    ],
    [
      'a flow list',
      `apiServer:\n  certSANs: [ a.b ] # old\n${head}${tail}`,
      `apiServer:\n  certSANs: [ a.b, apiserver.example.com, 192.168.13.100 ] # old\n${head}${cpe}${tail}`,
    ],
    [
      'a block list',
      `apiServer:\n  certSANs:\n    - a.b # old\n  x: 1\n${head}${tail}`,
      `apiServer:\n  certSANs:\n    - a.b # old\n    - apiserver.example.com\n    - 192.168.13.100\n  x: 1\n${head}${cpe}${tail}`,
    ],
    [
      'some there',
      `apiServer:\n  certSANs:\n  - 192.168.13.100\n${head}${tail}`,
      `apiServer:\n  certSANs:\n  - 192.168.13.100\n  - apiserver.example.com\n${head}${cpe}${tail}`,
    ],
    [
      'an empty endpoint',
      `apiServer:\n${list}${head}controlPlaneEndpoint: ""\n${tail}`,
      `apiServer:\n${list}${head}controlPlaneEndpoint: "${endpoint}"\n${tail}`,
    ],
    [
      'another endpoint',
      `apiServer:\n${list}${head}controlPlaneEndpoint: 'a:1' # x\n${tail}`,
      `apiServer:\n${list}${head}controlPlaneEndpoint: '${endpoint}' # x\n${tail}`,
    ],
    [
      'a comment above',
      `apiServer:\n${list}${head}# what it is\n${tail}`,
      `apiServer:\n${list}${head}${cpe}# what it is\n${tail}`,
    ],
    [
      'at the end',
      `apiServer:\n${list}${head}Kind: x\nanother: y\nbkind: z\n${tail}`,
      `apiServer:\n${list}${head}Kind: x\nanother: y\nbkind: z\n${cpe}${tail}`,
    ],
    [
      'JSON',
      '{"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration"}',
      `{"apiServer":{"certSANs":["apiserver.example.com","192.168.13.100"]}, "controlPlaneEndpoint":"${endpoint}", "apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration"}`,
    ],
  ]
  for (const [what, before, after] of cases) {
    t.equal(setControlPlaneEndpoint(before, endpoint, sans), after, what)
    if (what === 'JSON') continue
    const windows = (text: string): string => text.replaceAll('\n', '\r\n')
    t.equal(setControlPlaneEndpoint(windows(before), endpoint, sans), windows(after), `${what}, CRLF`)
    t.equal(
      setControlPlaneEndpoint(before.trimEnd(), endpoint, sans),
      after.trimEnd(),
      `${what}, no newline at the end`,
    )
  }
})

t.test('addresses are compared as addresses', async (t) => {
  const before = `apiServer: {certSANs: ["FD00:0:0:0:0:0:0:1", API.example.com]}\n${head}${tail}`
  const { certSans } = readClusterConfiguration(
    setControlPlaneEndpoint(before, endpoint, ['fd00::1', 'api.example.com', 'fd00::2', 'fd00:0::2']),
  )
  t.strictSame(certSans, ['FD00:0:0:0:0:0:0:1', 'API.example.com', 'fd00::2'])
})

t.test('an edit that would change more is refused', async (t) => {
  const shared = `apiServer: &none {}\n${head}controllerManager: *none\n${tail}`
  const edited = setControlPlaneEndpoint(
    `apiServer: {x: &none []}\n${head}controllerManager: *none\n${tail}`,
    endpoint,
    sans,
  )
  t.strictSame(parse(edited).controllerManager, [], 'an anchor beside it does no harm')
  t.throws(() => setControlPlaneEndpoint(shared, endpoint, sans), invalid)
  t.throws(
    () => setControlPlaneEndpoint(`apiServer: {certSANs: &l [a]}\n${head}x: *l\n${tail}`, endpoint, sans),
    invalid,
  )
  t.throws(() => setControlPlaneEndpoint(`apiServer: {certSANs: {a: 1}}\n${head}${tail}`, endpoint, sans), invalid)
  t.throws(() => setControlPlaneEndpoint(`apiServer: x\n${head}${tail}`, endpoint, sans), invalid)
  t.throws(() => setControlPlaneEndpoint(`controlPlaneEndpoint: {}\n${head}${tail}`, endpoint, sans), invalid)
})

t.test('what is no ClusterConfiguration is refused', async (t) => {
  for (const text of [
    '',
    '[]',
    'kind: InitConfiguration',
    'kind: ClusterConfiguration',
    `apiVersion: v1\n${tail}`,
    `${head}kind: X`,
    `${head}${tail}---\na: 1\n`,
    `${head}kind: ClusterConfiguration`,
    `${head}${tail}etcd: []\n`,
    `${head}${tail}featureGates: 1\n`,
  ]) {
    t.throws(() => readClusterConfiguration(text), invalid, JSON.stringify(text))
  }
  for (const bad of ['', 'a', '192.168.13.100:8443', 'a:0', 'a:8443\nx: 1', 'A:1', 'https://a:1']) {
    t.throws(() => setControlPlaneEndpoint(head + tail, bad, sans), { code: 'INVALID_REQUEST' }, JSON.stringify(bad))
  }
})

t.test('another folder for staged certificates', async (t) => {
  for (const version of fixtureVersions) {
    const before = real(version, 'before')
    t.equal(withCertificatesDir(before, '/root/stage'), before.replace('/etc/kubernetes/pki', '/root/stage'), version)
  }
  t.equal(
    readClusterConfiguration(withCertificatesDir(head + tail, '/a')).certificatesDir,
    '/a',
    'where there was none',
  )
  for (const bad of ['', 'a', '/a b', '/a\nkind: x']) {
    t.throws(() => withCertificatesDir(head + tail, bad), { code: 'INVALID_REQUEST' }, JSON.stringify(bad))
  }
})

const word = fc.string({ unit: fc.constantFrom(...'abcXYZ019-.:#{}[], \'"&*!|>%@`'), minLength: 1, maxLength: 8 })
const json = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, word, fc.integer(), fc.boolean(), fc.constant(null), tie('list'), tie('map')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  map: fc.dictionary(word, tie('value'), { maxKeys: 3, noNullPrototype: true }),
}))
const configuration = fc
  .record(
    {
      apiServer: fc.oneof(
        fc.constantFrom(null, {}),
        fc
          .tuple(json.map, fc.uniqueArray(word, { maxLength: 3 }))
          .map(([rest, certSANs]) => ({ ...(rest as object), certSANs })),
        json.map.filter((map) => !('certSANs' in (map as object))),
      ),
      controllerManager: json.map,
      controlPlaneEndpoint: fc.constantFrom('', 'a.b:1', endpoint),
      dns: json.value,
      zzz: json.value,
    },
    { requiredKeys: [] },
  )
  .map((some) => ({
    ...some,
    apiVersion: 'kubeadm.k8s.io/v1beta3',
    kind: 'ClusterConfiguration',
    kubernetesVersion: 'v1.30.4',
  }))
const style = fc.record({
  collectionStyle: fc.constantFrom('any' as const, 'flow' as const),
  defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const, 'QUOTE_SINGLE' as const),
  indent: fc.integer({ min: 1, max: 5 }),
  indentSeq: fc.boolean(),
})

t.test('property: in any configuration, in any style, exactly the two fields change', async () => {
  fc.assert(
    fc.property(configuration, style, (before, options) => {
      const text = stringify(before, options)
      const after = parse(setControlPlaneEndpoint(text, endpoint, sans))
      const apiServer = (before.apiServer ?? {}) as Record<string, unknown>
      const present = (apiServer['certSANs'] ?? []) as string[]
      const certSANs = [...present, ...sans.filter((san) => !present.includes(san))]
      assert.deepStrictEqual(after, {
        ...parse(text),
        controlPlaneEndpoint: endpoint,
        apiServer: { ...apiServer, certSANs },
      })
    }),
    { numRuns: 300 },
  )
})

t.test('fuzz: a damaged document gives a QuorateError or the two fields', async (t) => {
  let edits = 0
  const texts = fc.oneof(
    damaged(real('v1.30.4', 'before')),
    damaged(real('v1.37.2', 'before')),
    damaged(real('v1.37.2', 'after')),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const { certSans: before, controlPlaneEndpoint: _, ...rest } = readClusterConfiguration(text)
        const {
          certSans: after,
          controlPlaneEndpoint,
          ...same
        } = readClusterConfiguration(setControlPlaneEndpoint(text, endpoint, sans))
        edits++
        assert.deepStrictEqual(same, rest)
        assert.equal(controlPlaneEndpoint, endpoint)
        assert.ok([...before, ...sans].every((name) => after.includes(name)))
      } catch (error) {
        if (!(error instanceof QuorateError) || error.code !== 'CONFIG_MAP_INVALID') throw error
      }
    }),
    { numRuns: 700 },
  )
  t.ok(edits > 30, `the fuzz reaches the edit: ${edits} times`)
})
