import assert from 'node:assert/strict'
import { QuorateError } from '@quorate/shared/errors'
import { kubeconfigClusters, pointKubeconfigAt, readKubeconfig } from '@quorate/shared/kubeconfig'
import { redactKubeconfig } from '@quorate/shared/redact-kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import fc from 'fast-check'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { fixture, fixtureData, fixtureVersions } from '../../support/fixtures.js'
import { damaged } from '../../support/mutations.js'

const place = filePlace('/etc/kubernetes/admin.conf')

const endpoint = 'https://apiserver.example.com:8443'
const old = 'https://192.168.13.30:6443'

const invalid = { name: 'QuorateError', code: 'KUBECONFIG_INVALID' }

t.test('files of real clusters become what a person made of them, byte for byte', async (t) => {
  for (const version of fixtureVersions) {
    for (const file of ['admin.conf', 'super-admin.conf']) {
      t.equal(
        pointKubeconfigAt(fixture(version, `before/${file}`), endpoint, place),
        fixture(version, `after/cp1/${file}`),
        `${version} ${file}`,
      )
    }
    for (const [file, key] of [
      ['cm-cluster-info.yaml', 'kubeconfig'],
      ['cm-kube-proxy.yaml', 'kubeconfig.conf'],
    ] as const) {
      const before = fixtureData(version, `before/${file}`, key)
      t.equal(
        pointKubeconfigAt(before, endpoint, place),
        fixtureData(version, `after/${file}`, key),
        `${version} ${file}`,
      )
    }
    for (const file of ['kubelet.conf', 'worker-kubelet.conf', 'controller-manager.conf', 'scheduler.conf']) {
      const before = fixture(version, `before/${file}`)
      const after = pointKubeconfigAt(before, endpoint, place)
      t.equal(after, before.replace(old, endpoint), `${version} ${file}`)
      t.equal(pointKubeconfigAt(after, old, place), before, 'and back')
    }
  }
})

t.test('reads what a real file says', async (t) => {
  for (const version of fixtureVersions) {
    const admin = readKubeconfig(fixture(version, 'before/admin.conf'), place)
    t.match(admin, { server: old, clusterName: 'kubernetes', contextName: 'kubernetes-admin@kubernetes' })
    t.equal(admin.caPem, fixture(version, 'before/pki/ca.crt'))
    t.match(admin.clientCertificatePem, /^-----BEGIN CERTIFICATE-----/)
    t.equal(admin.clientKeyPem, 'removed')
    const worker = readKubeconfig(fixture(version, 'before/worker-kubelet.conf'), place)
    t.match(worker, {
      clusterName: 'default-cluster',
      clientKeyPath: '/var/lib/kubelet/pki/kubelet-client-current.pem',
    })
    t.notOk('clientKeyPem' in worker)
    const clusterInfo = readKubeconfig(fixtureData(version, 'before/cm-cluster-info.yaml', 'kubeconfig'), place)
    t.match(clusterInfo, { server: old, clusterName: '' })
    t.notOk('contextName' in clusterInfo)
    const kubeProxy = readKubeconfig(fixtureData(version, 'before/cm-kube-proxy.yaml', 'kubeconfig.conf'), place)
    t.equal(kubeProxy.caPath, '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt')
  }
})

const severalClusters = `# mine, do not touch
apiVersion: v1
kind: Config
preferences: {colors: true}   # a comment
current-context: prod
clusters:
- name: test
  cluster: {server: https://192.168.13.30:6443}
- name: prod # the one
  cluster:
    server:   "https://192.168.13.30:6443"    # was a VM
    extensions: [ {name: x, extension: {server: https://192.168.13.30:6443}} ]
contexts:
- {name: test, context: {cluster: test, user: me}}
- {name: prod, context: {cluster: prod, user: me}}
users:
- {name: me, user: {token: abc}}
`

t.test('only the scalar of the cluster in use changes, in its own quotes', async (t) => {
  const edited = severalClusters.replace(`"${old}"`, `"${endpoint}"`)
  t.equal(pointKubeconfigAt(severalClusters, endpoint, place), edited)
  t.equal(
    pointKubeconfigAt(severalClusters.replaceAll('\n', '\r\n'), endpoint, place),
    edited.replaceAll('\n', '\r\n'),
    'CRLF',
  )
  t.equal(pointKubeconfigAt(severalClusters.trimEnd(), endpoint, place), edited.trimEnd(), 'no newline at the end')
  t.equal(pointKubeconfigAt(`\uFEFF${severalClusters}`, endpoint, place), `\uFEFF${edited}`, 'byte order mark')
  t.equal(pointKubeconfigAt(`---\n${severalClusters}...\n`, endpoint, place), `---\n${edited}...\n`, 'document marks')
  t.equal(pointKubeconfigAt(edited, endpoint, place), edited, 'a second time')
})

const one = (cluster: string): string =>
  `kind: Config\nclusters:\n- name: a\n  cluster:${cluster}\ncurrent-context: a\ncontexts:\n- name: a\n  context: {cluster: a, user: a}\n`

t.test('each way to write a scalar', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    [` {server: ${old}, insecure-skip-tls-verify: true}`, ` {server: ${endpoint}, insecure-skip-tls-verify: true}`],
    [` {"server":"${old}"}`, ` {"server":"${endpoint}"}`],
    [`\n    server: '${old}' # why`, `\n    server: '${endpoint}' # why`],
    [`\n    server:\n      ${old}\n    x: 1`, `\n    server:\n      ${endpoint}\n    x: 1`],
    [`\n    server: !!str ${old}`, `\n    server: !!str ${endpoint}`],
    [`\n    server: &s ${old}`, `\n    server: &s ${endpoint}`],
    [`\n    server: |-\n      ${old}\n    x: 1`, `\n    server: ${endpoint}\n    x: 1`],
    [`\n    server: >-\n      ${old}\n\n    x: 1`, `\n    server: ${endpoint}\n\n    x: 1`],
    [`\n    server: ""`, `\n    server: "${endpoint}"`],
    [`\n    server: null`, `\n    server: ${endpoint}`],
    [`\n    server:\n    x: 1`, `\n    server: ${endpoint}\n    x: 1`],
    [`\n    ? server\n    : ${old}`, `\n    ? server\n    : ${endpoint}`],
  ]
  for (const [before, after] of cases) t.equal(pointKubeconfigAt(one(before), endpoint, place), one(after), before)
  t.equal(
    readKubeconfig(pointKubeconfigAt(one(` {server: ${old}}`), 'https://[fd00::1]:6443', place), place).server,
    'https://[fd00::1]:6443',
  )
})

t.test('there and back it is byte for byte what it was, also with an address of IPv6', async (t) => {
  const six = 'https://[fd00:13::30]:6443'
  for (const server of [
    `\n    server: ${six}`,
    ` {"server":"${six}"}`,
    `\n    server: '${six}'`,
    ` {server: "${six}"}`,
  ]) {
    const text = one(server)
    t.equal(pointKubeconfigAt(pointKubeconfigAt(text, endpoint, place), six, place), text, server)
  }
})

t.test('anchors: only this cluster changes, or nothing does', async (t) => {
  const two = (first: string, second: string): string =>
    `clusters:\n- name: other\n  cluster: ${first}\n- name: a\n  cluster: ${second}\ncurrent-context: a\ncontexts:\n- {name: a, context: {cluster: a, user: a}}\n`
  t.equal(
    pointKubeconfigAt(two(`{server: &s ${old}}`, '{server: *s }'), endpoint, place),
    two(`{server: &s ${old}}`, `{server: ${endpoint} }`),
    'an alias of ours is written out',
  )
  t.equal(
    pointKubeconfigAt(two(`&c {server: ${old}}`, '*c'), endpoint, place),
    two(`&c {server: ${old}}`, `{"server":"${endpoint}"}`),
    'so is a cluster that is one',
  )
  const shared = `clusters:\n- name: a\n  cluster: {server: &s ${old}}\n- name: other\n  cluster: {server: *s }\ncurrent-context: a\ncontexts:\n- {name: a, context: {cluster: a}}\n`
  t.throws(() => pointKubeconfigAt(shared, endpoint, place), invalid, 'another uses our anchor')
  const merged = `x: &base {server: ${old}}\n${one('\n    <<: *base')}`
  t.equal(readKubeconfig(merged, place).server, old, 'merge keys are read as kubectl reads them')
  t.equal(
    pointKubeconfigAt(merged, endpoint, place),
    merged.replace('<<: *base', `<<: *base\n    server: ${endpoint}`),
    'what a merge key brought is written beside it',
  )
})

t.test('what is no kubeconfig is refused', async (t) => {
  const context = 'current-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n'
  const cases: Record<string, string> = {
    empty: '',
    'a list': '- a',
    'a scalar': 'kubeconfig',
    'another kind': 'kind: Pod\nclusters: [{name: a, cluster: {server: https://a}}]',
    'no clusters': 'kind: Config',
    'two clusters, no context':
      'clusters: [{name: a, cluster: {server: https://a}}, {name: b, cluster: {server: https://b}}]',
    'a context that is not there': 'current-context: b\nclusters: [{name: a, cluster: {server: https://a}}]',
    'a cluster that is not there': `${context}clusters: [{name: b, cluster: {server: https://a}}]`,
    'a name twice': `${context}clusters: [{name: a, cluster: {server: https://a}}, {name: a, cluster: {server: https://b}}]`,
    'a key twice': `${context}clusters: [{name: a, cluster: {server: https://a, server: https://b}}]`,
    'two documents': `${one(` {server: ${old}}`)}---\na: 1\n`,
    'clusters no list': 'clusters: {name: a}',
    cyclic: `&a [*a]`,
    'an alias of nothing': 'clusters: *a',
    'a tab': 'clusters:\n\t- name: a',
  }
  for (const [what, text] of Object.entries(cases)) {
    t.throws(() => readKubeconfig(text, place), invalid, what)
    t.throws(() => pointKubeconfigAt(text, endpoint, place), invalid, what)
  }
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'.replaceAll(/./g, (key) => `${key}: &${key} [${`*${String.fromCharCode(key.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`
  t.throws(() => readKubeconfig(bomb, place), invalid, 'aliases of aliases')
  t.throws(() => readKubeconfig('['.repeat(100_000), place), invalid, 'nested too deep')
  t.throws(
    () => readKubeconfig(`${one(` {server: ${old}}`)}users: [{name: a, user: {client-key-data: "%%"}}]`, place),
    invalid,
    'not base64',
  )
})

t.test('an error never quotes the file', async (t) => {
  const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQ='
  for (const text of [
    `users: [{user: {client-key-data: ${secret}`,
    `a: b: ${secret}`,
    `clusters: *${secret}`,
    `%${secret}`,
  ]) {
    t.throws(() => readKubeconfig(text, place), invalid)
    try {
      readKubeconfig(text, place)
    } catch (error) {
      t.notMatch(String(error), secret)
    }
  }
})

t.test('a server that is none is refused', async (t) => {
  for (const server of [
    '',
    'apiserver:8443',
    'http://a:1',
    'https://a:1/x',
    'https://a b',
    'https://a\nb',
    'https://a:99999',
    'https://u:p@a',
  ]) {
    t.throws(
      () => pointKubeconfigAt(severalClusters, server, place),
      { code: 'INVALID_REQUEST' },
      JSON.stringify(server),
    )
  }
})

const name = fc.string({ minLength: 1, maxLength: 12 })
const server = fc.constantFrom(old, 'https://10.0.0.1', 'https://a.b:1', 'https://[fd00::1]:6443')
const kubeconfig = fc
  .record({
    clusters: fc.uniqueArray(fc.record({ name, cluster: fc.record({ server, 'certificate-authority': name }) }), {
      selector: (one) => one.name,
      minLength: 1,
      maxLength: 4,
    }),
    users: fc.uniqueArray(
      fc.record({
        name,
        user: fc.dictionary(name, fc.oneof(name, fc.double({ noNaN: true, noDefaultInfinity: true })), { maxKeys: 3 }),
      }),
      { selector: (one) => one.name, maxLength: 2 },
    ),
    extensions: fc
      .anything({ maxDepth: 2, withNullPrototype: false })
      .map((value) => JSON.parse(JSON.stringify(value ?? null) ?? 'null')),
  })
  .chain((config) => fc.record({ config: fc.constant(config), index: fc.nat(config.clusters.length - 1) }))
  .map(({ config, index }) => ({
    index,
    config: {
      kind: 'Config',
      ...config,
      contexts: [{ name: 'in use', context: { cluster: config.clusters[index]?.name, user: 'x' } }],
      'current-context': 'in use',
    },
  }))
const style = fc.record({
  collectionStyle: fc.constantFrom('any' as const, 'flow' as const),
  defaultStringType: fc.constantFrom(
    'PLAIN' as const,
    'QUOTE_DOUBLE' as const,
    'QUOTE_SINGLE' as const,
    'BLOCK_LITERAL' as const,
  ),
  indent: fc.integer({ min: 1, max: 6 }),
  indentSeq: fc.boolean(),
  lineWidth: fc.constantFrom(0, 80),
})

t.test('property: in any kubeconfig, in any style, one value changes and no more', async () => {
  fc.assert(
    fc.property(kubeconfig, style, ({ config, index }, options) => {
      const text = stringify(config, options)
      fc.pre(!text.includes('<<')) // a merge key with nothing to merge is refused
      const edited = pointKubeconfigAt(text, endpoint, place)
      const expected = structuredClone(parse(text))
      expected.clusters[index].cluster.server = endpoint
      assert.deepStrictEqual(parse(edited), expected)
      // What is before and after the scalar is the same text.
      const [same, rest] = commonEnds(text, edited)
      assert.ok(text.length - same - rest <= 60, 'no more than the scalar differs')
    }),
    { numRuns: 150 },
  )
})

/** Lengths of the common beginning and of the common end of what is left. */
function commonEnds(a: string, b: string): [number, number] {
  const most = Math.min(a.length, b.length)
  let start = 0
  while (start < most && a[start] === b[start]) start++
  let end = 0
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  return [start, end]
}

t.test('fuzz: a damaged file gives a QuorateError or a change of one value', async (t) => {
  const admin = fixture('v1.37.2', 'before/admin.conf').replace(/-data: .{100,}/g, '-data: LS0t')
  const texts = fc.oneof(
    damaged(severalClusters),
    damaged(admin),
    damaged(one(` &x {server: ${old}}`)),
    fc.string({ unit: 'binary', maxLength: 200 }),
  )
  let edits = 0
  fc.assert(
    fc.property(texts, (text) => {
      try {
        redactKubeconfig(text)
        const before = readKubeconfig(text, place)
        const edited = pointKubeconfigAt(text, endpoint, place)
        edits++
        const { server, ...rest } = readKubeconfig(edited, place)
        const { server: _, ...same } = before
        return server === endpoint && JSON.stringify(rest) === JSON.stringify(same)
      } catch (error) {
        if (error instanceof QuorateError && error.code === 'KUBECONFIG_INVALID') return true
        throw error
      }
    }),
    { numRuns: 700 },
  )
  t.ok(edits > 10, `the fuzz reaches the edit: ${edits} times`)
})

t.test('redacted: no secret is left, the rest can still be compared', async (t) => {
  const text = `users:
- name: a
  user:
    client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t
    client-key-data: hunter2hunter2
- name: b
  user: {token: 'hunter2', username: me, password: "hun\\"ter2"}
- name: c
  user:
    exec:
      command: aws
      env:
      - name: AWS_SECRET
        value: hunter2
    auth-provider:
      config:
        id-token: hunter2
        refresh-token: >-
          hunter2
          hunter2
`
  const clean = redactKubeconfig(text)
  t.notMatch(clean, /hunter2|hun\\"ter2/)
  t.match(clean, /LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t/, 'certificates are public')
  t.match(clean, /username: me/)
  t.match(clean, /command: aws/)
  t.notMatch(redactKubeconfig(`not: yaml: \n client-key-data: hunter2`), /hunter2/, 'not even where it is no YAML')
  for (const version of fixtureVersions) {
    const admin = fixture(version, 'before/admin.conf')
    t.equal(redactKubeconfig(admin), admin.replace('cmVtb3ZlZA==', '"[redacted]"'))
  }
})

t.test('redacted as JSON, in one line, in any quotes: what is left can be edited as the file itself', async (t) => {
  const config = {
    clusters: [{ name: 'a', cluster: { server: old, 'proxy-url': 'http://me:hunter2@10.0.0.1:3128' } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    'current-context': 'a',
    users: [
      { name: 'a', user: { token: 'hunter2', exec: { args: ['--client-secret', 'hunter2', '--server-id=6dae42f8'] } } },
      { name: 'b', user: { password: 'hunter2', 'auth-provider': { config: { 'certificate-key': 'hunter2' } } } },
    ],
  }
  const texts = {
    JSON: JSON.stringify(config),
    'indented JSON': JSON.stringify(config, undefined, 2),
    'with tabs': JSON.stringify(config, undefined, '\t'),
    flow: stringify(config, { collectionStyle: 'flow' }),
    quoted: stringify(config, { defaultStringType: 'QUOTE_SINGLE' }),
    literal: stringify(config, { defaultStringType: 'BLOCK_LITERAL' }),
    comments: `# token: hunter2\n${stringify(config)}# password: hunter2\n`,
    anchored: `x: &t hunter2\n${stringify(config).replace('token: hunter2', 'token: *t')}`,
  }
  for (const [what, text] of Object.entries(texts)) {
    const clean = redactKubeconfig(text)
    t.notMatch(clean, /hunter2/, what)
    t.same(shapeOf(parse(clean)), shapeOf(parse(text)), `${what}: nothing else`)
    t.equal(
      redactKubeconfig(pointKubeconfigAt(text, endpoint, place)),
      pointKubeconfigAt(clean, endpoint, place),
      `${what}: edited, then redacted, or the other way round`,
    )
  }
})

/** Keys, lengths of lists, and where strings are. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return 'scalar'
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]))
}

t.test('property: redaction keeps the structure of any kubeconfig in any style', async () => {
  const secrets = fc.record({ token: name, password: name, 'client-key-data': name })
  fc.assert(
    fc.property(kubeconfig, secrets, style, ({ config }, user, options) => {
      const text = stringify({ ...config, more: [{ user }] }, options)
      fc.pre(!text.includes('<<'))
      assert.deepStrictEqual(shapeOf(parse(redactKubeconfig(text))), shapeOf(parse(text)))
    }),
    { numRuns: 150 },
  )
})

t.test('every cluster of a kubeconfig, with its lines', async (t) => {
  t.same(kubeconfigClusters('', place), [])
  t.same(kubeconfigClusters('apiVersion: v1\nkind: Config\nclusters: null\n', place), [])
  t.same(kubeconfigClusters(severalClusters, place), [
    { name: 'test', server: old, line: 8, inUse: false, proxyLine: 0 },
    { name: 'prod', server: old, line: 11, inUse: true, proxyLine: 0 },
  ])
  t.match(
    kubeconfigClusters(`clusters:\n- name: a\n  cluster:\n    proxy-url: http://x:1\n    server: ${old}\n`, place),
    [{ line: 5, proxyLine: 4, inUse: true }],
  )
  t.match(kubeconfigClusters(severalClusters.replace('current-context: prod', ''), place), [
    { inUse: false },
    { inUse: false },
  ])
  t.throws(() => kubeconfigClusters('clusters: [a', place), invalid)
})
