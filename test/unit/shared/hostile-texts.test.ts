import { setControlPlaneEndpoint } from '@quorate/shared/cluster-config-map'
import { unifiedDiff } from '@quorate/shared/diff'
import { kubeconfigClusters } from '@quorate/shared/kubeconfig'
import { redact } from '@quorate/shared/redact'
import { filePlace } from '@quorate/shared/text-place'
import { readPositionedYaml } from '@quorate/shared/yaml-document'
import { readYaml } from '@quorate/shared/yaml-text'
import t from 'tap'
import { hostileTexts } from '../../support/hostile-texts.js'
import { parsersOfForeignTexts } from '../../support/parsers-of-foreign-texts.js'

/** So long that what grows with the square of it would not end while the test runs. */
const long = 256 * 1024
const place = filePlace('/root/.kube/config')

const made = (text: string, bytes = long): string => {
  const make = hostileTexts[text]
  if (make === undefined) throw new Error(`no such text: ${text}`)
  return make(bytes)
}

t.test('texts that took a parser the square of their length', async (t) => {
  for (const [parser, texts] of Object.entries({
    redact: ['eyJ', 'eyJdots', 'halfBegin', 'secretSpaces', 'urlRun'],
    maskSecrets: ['"\\n"', 'blanks'],
    virtualIpOf: ['"\\n"', 'addressLines'],
    unattended: ['"\\n"', 'blanks'],
    commandWords: [
      '"\\n"',
      'valueSpaces',
      'keySpaces',
      'returnsAndEnd',
      'environmentFile',
      'environmentFiles',
      'expanded',
      'expandedInWord',
    ],
    readKubeletFlags: ['"\\n"', 'blanks', 'returnsAndEnd', 'environmentFiles'],
    readProxies: ['returnsAndEnd', 'environmentFiles'],
    runtimeFlags: ['returnsAndEnd', 'separatorsAndEnd'],
    readRuntime: ['"\\n"', '" "', 'setting', 'blanks', 'imports'],
    readForeignConfigs: ['"\\n"', 'blanks', 'returnsAndEnd'],
    outsideHostsBlock: ['hosts'],
    readCertificates: ['beginsOfCertificates'],
    readHttpAnswer: ['failedChecks'],
    ufw: ['beforeInput'],
    matchingLines: ['"a"', 'haproxy'],
  })) {
    const parse = parsersOfForeignTexts[parser]
    if (parse === undefined) throw new Error(`no such parser: ${parser}`)
    for (const text of texts) {
      await Promise.resolve(parse(made(text))).catch(() => undefined)
      t.pass(`${parser} of ${text}`)
    }
  }
})

t.test('tokens in a long run of their letters are still found, whatever stands before them', async (t) => {
  const token = 'eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl'
  const run = made('eyJ')
  t.equal(redact(run), run, 'no token')
  for (const [before, after] of [
    ['', ''],
    ['x-', ''],
    ['a.b-', '.c'],
  ])
    t.equal(redact(`${before}${token}${after}`), `${before}[redacted]${after}`, `after ${before}`)
  t.equal(redact(`a ${run}${token} b`), 'a [redacted] b', 'it may begin with the run')
  t.equal(redact(`x${token}`), `x${token}`, 'a word that only has it inside')
  t.equal(redact('eyJshort.a.b'), 'eyJshort.a.b')
  t.equal(redact(`${token}.${token}`), '[redacted].[redacted]')
})

t.test(
  'a YAML text of more than a person writes is refused before it is parsed, with its size and the limit',
  async (t) => {
    const keys = Array.from({ length: 40_000 }, (_, index) => `k${index}: 1\n`).join('')
    t.throws(() => readYaml(keys, 'KUBECONFIG_INVALID', place), {
      code: 'KUBECONFIG_INVALID',
      message:
        '/root/.kube/config, line 1: its signs of YAML weigh 80000, and Quorate reads at most 14000 of such a text',
    })
    t.throws(() => readYaml('a'.repeat(2_000_000), 'KUBECONFIG_INVALID', place), {
      message: /it has 2000000 characters, and Quorate reads at most 1048576 of such a text$/,
    })
    t.match(readPositionedYaml(keys).problems, [{ line: 1, message: /^its signs of YAML weigh 80000/ }])
    const certificates = `clusters:\n- name: a\n  cluster: {server: "https://a:1", certificate-authority-data: ${'QUFB'.repeat(200_000)}}\n`
    t.equal(kubeconfigClusters(certificates, place).length, 1, 'certificates may be long')
  },
)

t.test('a ClusterConfiguration, which an edit reads again to prove it, may weigh less than other texts', async (t) => {
  const sans = (count: number, quote: string): string => {
    const lines = Array.from({ length: count }, (_, at) => `  - ${quote}host-${at}.example.com${quote}\n`).join('')
    return `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\napiServer:\n  certSANs:\n${lines}`
  }
  for (const [count, quote] of [
    [500, '"'],
    [2_000, ''],
  ] as const)
    t.match(setControlPlaneEndpoint(sans(count, quote), 'a:1', ['b']), /- "?b"?\n/, `${count} certSANs`)
  t.throws(() => setControlPlaneEndpoint(sans(4_000, ''), 'a:1', ['b']), { message: /Quorate reads at most 5000/ })
})

t.test('a key that is there twice is found, and where', async (t) => {
  for (const [text, line] of [
    ['a: 1\nb: 2\na: 3\n', 3],
    ['a:\n  b: 1\n  c: 2\n  b: 3\n', 4],
    ['{a: 1,\n a: 2}\n', 2],
    ['- a: 1\n  a: 2\n', 2],
    ['1: a\n1: b\n', 2],
    ['a: 1\na: 2\nb: [\n', 2],
  ] as const) {
    const message = new RegExp(`line ${line}: this key is there twice \\(DUPLICATE_KEY\\)$`)
    t.throws(() => readYaml(text, 'CONFIG_MAP_INVALID', place), { message }, JSON.stringify(text))
    t.ok(readPositionedYaml(text).problems.some((each) => each.line === line && /unique/.test(each.message)))
  }
  t.same(readYaml('1: a\n"1": b\na: &x {c: 1}\nd: {a: 1, c: *x}\n', 'CONFIG_MAP_INVALID', place).value, {
    '1': 'b',
    a: { c: 1 },
    d: { a: 1, c: { c: 1 } },
  })
})

t.test('two texts that have nothing in common differ in every line', async (t) => {
  const lines = (of: string): string => Array.from({ length: 20_000 }, (_, index) => `${of}${index}\n`).join('')
  const diff = unifiedDiff('a', lines('a'), lines('b'))
  t.match(diff, /^--- a\tbefore\n\+\+\+ a\tafter\n@@ -1,20000 \+1,20000 @@\n-a0\n/)
  t.equal(diff.split('\n').filter((line) => line.startsWith('+b')).length, 20_000)
  t.ok(diff.endsWith('+b19999\n'))
  t.match(unifiedDiff('a', 'a\n'.repeat(9_000), 'b'.repeat(9_000)), /-a\n\+b+\n\\ No newline at end of file\n$/)
})
