import { QuorateError } from '@quorate/shared/errors'
import fc from 'fast-check'
import t from 'tap'
import { clusterFileJsonSchema } from '../../../../coordinator/src/config/cluster-file-schema.js'
import { parseClusterFile } from '../../../../coordinator/src/config/parse-cluster-file.js'

const good = `apiVersion: quorate/v1alpha1
kind: Conversion
metadata: {name: prod}
endpoint: apiserver.example.com:8443
loadBalancer:
  kind: haproxy
  virtualIP: 192.168.13.100
controlPlanes:
  - {name: k8smaster1.example.com, address: 192.168.13.30}
  - {name: k8smaster2.example.com, address: 192.168.13.31}
  - {name: k8smaster3.example.com, address: 192.168.13.32}
workers:
  - {name: k8sworker1.example.com, address: 192.168.13.35}
policy:
  controlPlaneKubeconfigs: auto
  manageHosts: false
  waves: {canary: 1, width: 10, maxFailed: 0}
  ignorePreflightErrors: []
`

t.test("the contract's example, and its defaults", async (t) => {
  const file = parseClusterFile(good, 'cluster.yaml')
  t.match(file, {
    name: 'prod',
    endpoint: { host: 'apiserver.example.com', port: 8443 },
    loadBalancer: { kind: 'haproxy', virtualIP: '192.168.13.100', virtualRouterId: 100 },
    controlPlanes: [{ name: 'k8smaster1.example.com', address: '192.168.13.30', agent: '192.168.13.30:7445' }, {}, {}],
    workers: [{ name: 'k8sworker1.example.com' }],
  })
  const short = good.slice(0, good.indexOf('workers:'))
  t.same(parseClusterFile(short, 'x').policy, { ...file.policy, ignoreFindings: {} })
  t.same(parseClusterFile(short, 'x').workers, [])
})

t.test('an agent may be dialled elsewhere', async (t) => {
  const dial = (agent: string) =>
    parseClusterFile(good.replace('address: 192.168.13.31}', `address: 192.168.13.31, agent: '${agent}'}`), 'x')
      .controlPlanes[1]?.agent
  t.equal(dial('10.0.0.1'), '10.0.0.1:7445')
  t.equal(dial('bastion.example.com:9000'), 'bastion.example.com:9000')
  t.equal(dial('[fd00::1]:9000'), '[fd00::1]:9000')
  t.equal(dial('fd00::1'), '[fd00::1]:7445')
})

t.test('IPv6 all through; two spellings of an address are one', async (t) => {
  const six = good.replaceAll('192.168.13.', 'fd00::')
  t.match(parseClusterFile(six, 'x'), {
    loadBalancer: { virtualIP: 'fd00::100', virtualRouterId: 1 },
    controlPlanes: [{ agent: '[fd00::30]:7445' }, {}, {}],
  })
  t.throws(() => parseClusterFile(six.replace('fd00::31', 'fd00:0:0::0030'), 'x'), {
    message: /line 10: .*already the address of k8smaster1/,
  })
})

// What is written instead of what, the line that is named, words of the message and of the remedy.
const bad: readonly (readonly [string, string, string, number, RegExp, RegExp])[] = [
  ['unknown key at the top', 'policy:', 'polices:', 14, /unknown key "polices"/, /policy/],
  [
    'unknown key in a node',
    'address: 192.168.13.31}',
    'address: 192.168.13.31, adress: x}',
    10,
    /unknown key "adress"/,
    /name, address, agent/,
  ],
  [
    'unknown key in the policy',
    '  manageHosts: false',
    '  manageHost: false',
    16,
    /unknown key "manageHost"/,
    /manageHosts/,
  ],
  ['duplicate key', 'kind: Conversion', 'kind: Conversion\nkind: Conversion', 3, /unique/i, /YAML/],
  ['not YAML', 'metadata: {name: prod}', 'metadata: {name: prod', 4, /./, /YAML/],
  ['another version', 'quorate/v1alpha1', 'quorate/v9', 1, /apiVersion/, /./],
  ['another kind', 'Conversion', 'Cluster', 2, /kind/, /./],
  ['no name', 'metadata: {name: prod}', 'metadata: {}', 3, /metadata\.name is missing/, /Add it/],
  ['a name that is a path', 'name: prod', 'name: ../prod', 3, /not a name/, /letters/],
  ['no endpoint', 'endpoint: apiserver.example.com:8443\n', '', 1, /endpoint is missing/, /Add it/],
  [
    'endpoint is an address',
    'apiserver.example.com:8443',
    '192.168.13.100:8443',
    4,
    /IP address where a name belongs/,
    /DNS name/,
  ],
  [
    'endpoint is an IPv6 address',
    'endpoint: apiserver.example.com:8443',
    "endpoint: '[fd00::1]:8443'",
    4,
    /IP address where a name belongs/,
    /DNS name/,
  ],
  ['endpoint without port', 'apiserver.example.com:8443', 'apiserver.example.com', 4, /no port/, /:8443/],
  ['endpoint with a wrong port', ':8443', ':99999', 4, /not NAME:PORT/, /65535/],
  ['endpoint in capitals', 'apiserver.example', 'ApiServer.example', 4, /not NAME:PORT/, /lower-case/],
  [
    'endpoint is a node',
    'apiserver.example.com:8443',
    'k8smaster1.example.com:8443',
    4,
    /name of a node/,
    /separate name/,
  ],
  ["the API server's port", ':8443', ':6443', 4, /port 6443 is taken.*API server/, /8443/],
  ["etcd's port", ':8443', ':2379', 4, /port 2379 is taken.*etcd/, /8443/],
  ["the agent's port", ':8443', ':7445', 4, /port 7445 is taken/, /8443/],
  [
    'a Service without its port',
    'kind: haproxy\n  virtualIP: 192.168.13.100',
    'kind: service',
    5,
    /nodePort is missing/,
    /31170/,
  ],
  [
    'a Service under the kubelets without an address',
    'kind: haproxy\n  virtualIP: 192.168.13.100',
    'kind: service\n  nodePort: 31170\n  underKubelets: true',
    8,
    /outlives a node/,
    /virtualIP/,
  ],
  [
    'a NodePort where the nodes have their own proxy',
    'kind: haproxy\n  virtualIP: 192.168.13.100',
    'kind: service\n  nodePort: 8443',
    7,
    /port of the endpoint/,
    /another port/,
  ],
  [
    'a NodePort of something else',
    'kind: haproxy',
    'kind: haproxy\n  nodePort: 31170',
    7,
    /haproxy has no nodePort/,
    /service/,
  ],
  [
    'one host of a load balancer',
    'kind: haproxy',
    'kind: haproxy\n  hosts: [{name: lb1.example.com, address: 192.168.13.50}]',
    7,
    /one load balancer host/,
    /two or three/,
  ],
  ['a virtual IP that is not used', 'kind: haproxy', 'kind: node-local', 7, /no virtual IP/, /another kind/],
  [
    'an image that it does not have',
    'kind: haproxy',
    'kind: haproxy\n  image: x:1',
    7,
    /haproxy has no image/,
    /kube-vip/,
  ],
  [
    'an image without tag',
    'kind: haproxy',
    'kind: kube-vip\n  image: kube-vip',
    7,
    /not REPOSITORY:TAG/,
    /tag or digest/,
  ],
  ['BGP without peers', 'kind: haproxy', 'kind: kube-vip\n  bgp: {as: 1, peers: []}', 7, /without a peer/, /routers/],
  [
    'a BGP peer by name',
    'kind: haproxy',
    'kind: kube-vip\n  bgp: {as: 1, peers: [{address: tor1, as: 2}]}',
    7,
    /"tor1" is not an IP address/,
    /router/,
  ],
  [
    'no number of an autonomous system',
    'kind: haproxy',
    'kind: kube-vip\n  bgp: {as: 0, peers: [{address: 192.168.13.1, as: 2}]}',
    7,
    /loadBalancer\.bgp\.as/,
    /./,
  ],
  ['an unknown load balancer', 'kind: haproxy', 'kind: nginx', 6, /loadBalancer\.kind/, /./],
  ['no virtual IP', '  virtualIP: 192.168.13.100\n', '', 5, /virtualIP is missing/, /free address/],
  ['virtual IP with prefix', '192.168.13.100', '192.168.13.100/24', 7, /not an IP address/, /without prefix/],
  ["virtual IP is a node's", '192.168.13.100', '192.168.13.31', 7, /address of k8smaster2/, /no machine has/],
  ['virtual IP of another family', '192.168.13.100', 'fd00::1', 7, /IPv6/, /same family/],
  ['router id', '  virtualIP', '  virtualRouterId: 256\n  virtualIP', 7, /virtualRouterId/, /./],
  [
    'two control planes',
    '  - {name: k8smaster3.example.com, address: 192.168.13.32}\n',
    '',
    8,
    /2 control planes.*three/,
    /at least two/,
  ],
  [
    'four control planes',
    'workers:\n',
    '  - {name: k8smaster4, address: 192.168.13.33}\nworkers:\n',
    8,
    /even number of control planes \(4\)/,
    /add one or remove one/,
  ],
  [
    'a node named by its address',
    'name: k8sworker1.example.com',
    'name: 192.168.13.35',
    13,
    /IP address where a node's name belongs/,
    /kubectl get nodes/,
  ],
  ['a name in capitals', 'name: k8sworker1', 'name: K8sWorker1', 13, /not a node's name/, /lower-case/],
  ['a name for an address', 'address: 192.168.13.35', 'address: k8sworker1', 13, /not an IP address/, /192\.168/],
  ['the same name twice', 'name: k8sworker1', 'name: k8smaster2', 13, /in the file twice/, /unique name/],
  [
    'the same address twice',
    'address: 192.168.13.35',
    'address: 192.168.13.31',
    13,
    /already the address of k8smaster2/,
    /unique address/,
  ],
  [
    'a wrong dial address',
    'address: 192.168.13.35',
    "address: 192.168.13.35, agent: 'http://x'",
    13,
    /not an address of an agent/,
    /HOST:PORT/,
  ],
  [
    'a destination that ssh would take for an option',
    'address: 192.168.13.35',
    "address: 192.168.13.35, ssh: '-oProxyCommand=x'",
    13,
    /not a destination of ssh/,
    /Correct the value/,
  ],
  [
    'all preflight errors',
    'ignorePreflightErrors: []',
    'ignorePreflightErrors: [Swap, All]',
    18,
    /"All" is not/,
    /single errors/,
  ],
  [
    'a finding without a reason',
    'ignorePreflightErrors: []',
    "ignoreFindings: {disk: ' '}",
    18,
    /without a reason/,
    /why/,
  ],
  ['width 0', 'width: 10', 'width: 0', 17, /policy\.waves\.width/, /./],
  [
    'text where a list belongs',
    'workers:\n  - {name: k8sworker1.example.com, address: 192.168.13.35}',
    'workers: none',
    12,
    /workers/,
    /./,
  ],
]

for (const [name, from, to, line, message, remedy] of bad) {
  t.test(`refused: ${name}`, async (t) => {
    t.ok(good.includes(from), 'the test changes something')
    const error = thrownBy(() => parseClusterFile(good.replace(from, to), 'cluster.yaml'))
    t.equal(error.code, 'CLUSTER_FILE_INVALID')
    t.equal(error.exitCode, 2)
    t.equal(error.where, `cluster.yaml:${line}`)
    t.match(error.message, message)
    t.match(`${error.remedy} ${error.message}`, remedy)
    t.match(error.message, new RegExp(`line ${line}: `))
  })
}

t.test('every problem is told at once, in the order of the file', async (t) => {
  const error = thrownBy(() =>
    parseClusterFile(
      good.replace(':8443', ':6443').replace('192.168.13.35', '192.168.13.31').replace('name: prod', 'name: Prod'),
      'f',
    ),
  )
  t.match(error.message, /^3 problems:\n {2}line 3: .*\n {2}line 4: .*\n {2}line 13: /)
  t.equal(error.where, 'f:3')
})

for (const text of [
  '',
  '---',
  'null',
  '[]',
  '42',
  '- a\n---\n- b',
  'a: &a [*a, *a]',
  '\t',
  '\u0000',
  `a: ${'['.repeat(2000)}`,
  'x'.repeat(5 * 1024 * 1024),
]) {
  t.test(`refused, not crashed on: ${JSON.stringify(text.slice(0, 20))}`, async (t) => {
    t.equal(thrownBy(() => parseClusterFile(text, 'f')).code, 'CLUSTER_FILE_INVALID')
  })
}

t.test('an external load balancer may have the port of the API server and needs no address', async (t) => {
  const file = good
    .replace('kind: haproxy', 'kind: external')
    .replace('  virtualIP: 192.168.13.100\n', '')
    .replace(':8443', ':6443')
  t.match(parseClusterFile(file, 'f').loadBalancer, { kind: 'external', virtualIP: undefined })
})

t.test('kube-vip has the port of the API server, an image and BGP', async (t) => {
  const file = good
    .replace(
      'kind: haproxy',
      'kind: kube-vip\n  image: example.com/kube-vip:v1\n  bgp: {as: 65000, peers: [{address: 192.168.13.1, as: 65001}]}',
    )
    .replace(':8443', ':6443')
  t.match(parseClusterFile(file, 'f').loadBalancer, {
    kind: 'kube-vip',
    virtualIP: '192.168.13.100',
    image: 'example.com/kube-vip:v1',
    bgp: { as: 65000, peers: [{ address: '192.168.13.1', as: 65001 }] },
  })
  const six = file.replaceAll('192.168.13.3', 'fd00::3').replace('virtualIP: 192.168.13.100', "virtualIP: 'fd00::100'")
  t.match(thrownBy(() => parseClusterFile(six, 'f')).message, /router id/)
})

t.test('whatever the text, the answer is a cluster file or CLUSTER_FILE_INVALID', async (t) => {
  const lines = good.split('\n')
  const pieces = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      '*x',
      '&x',
      '!!js/function',
      '{',
      '[',
      ':',
      '- ',
      '? ',
      '<<: *x',
      '__proto__: 1',
      '"',
      "'",
      '|',
      '\t',
      '1e999',
      '~',
    ),
  )
  const mangled = fc.tuple(fc.nat(lines.length - 1), fc.nat(60), pieces).map(([index, at, piece]) => {
    const line = lines[index] ?? ''
    return [...lines.slice(0, index), line.slice(0, at) + piece + line.slice(at + 1), ...lines.slice(index + 1)].join(
      '\n',
    )
  })
  fc.assert(
    fc.property(fc.oneof(mangled, fc.string(), fc.json()), (text) => {
      try {
        const { controlPlanes } = parseClusterFile(text, 'f')
        return controlPlanes.length >= 3
      } catch (error) {
        return (
          error instanceof QuorateError && error.code === 'CLUSTER_FILE_INVALID' && /line \d+: /.test(error.message)
        )
      }
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

t.test('of a file that is wrong everywhere the first fifty places are named', async (t) => {
  const text = Array.from({ length: 3000 }, (_, index) => `k${index}: 1\n`).join('')
  const { message } = thrownBy(() => parseClusterFile(text, 'a'))
  t.equal(message.split('\n').length, 52)
  t.match(message, /unknown key "k0"/)
  t.match(message, /\d{4} problems more/)
})

function thrownBy(work: () => unknown): QuorateError {
  try {
    work()
  } catch (error) {
    if (error instanceof QuorateError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

t.test(
  'a question of `quorate discover` is refused with its line and what it asks, before anything else',
  async (t) => {
    const one = good
      .replace('endpoint: apiserver.example.com:8443', 'endpoint: "?"   # QUESTION: which DNS name?')
      .replace('kind: haproxy', 'kind: nonsense')
    t.throws(() => parseClusterFile(one, 'cluster.yaml'), {
      code: 'CLUSTER_FILE_INVALID',
      where: 'cluster.yaml:4',
      message: 'line 4: endpoint is not answered: which DNS name?',
      remedy: 'Write the answer in place of "?".',
    })
    const more = one.replace('{name: k8smaster3.example.com, address: 192.168.13.32}', '{name: "?", address: "?"}')
    t.throws(() => parseClusterFile(more, 'x'), {
      message:
        '2 problems:\n  line 4: endpoint is not answered: which DNS name? Write the answer in place of "?".\n' +
        '  line 11: controlPlanes.2.name is not answered. Write the answer in place of "?".',
    })
    t.throws(
      () => parseClusterFile('a: &a [*a]\nb: ["?"]\n', 'x'),
      { code: 'CLUSTER_FILE_INVALID' },
      'a circle has an end',
    )
  },
)

t.test('the JSON schema describes every key', async (t) => {
  type Schema = { description?: string; properties?: Record<string, Schema>; items?: Schema }
  const bare = (schema: Schema, path: string): string[] =>
    Object.entries({ ...schema.properties, ...(schema.items?.properties ?? {}) }).flatMap(([key, value]) => [
      ...(value.description === undefined ? [`${path}.${key}`] : []),
      ...bare(value, `${path}.${key}`),
    ])
  const schema = clusterFileJsonSchema() as Schema
  t.same(bare(schema, ''), [])
  t.ok(schema.properties?.['controlPlanes']?.items?.properties?.['address']?.description)
})
