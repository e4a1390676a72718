import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createFleetCa, issueCertificate } from '@quorate/shared/issue-certificate'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { type DiscoverWish, discover } from '../../../../coordinator/src/discover/discover.js'
import { proposeVirtualIp } from '../../../../coordinator/src/discover/propose-virtual-ip.js'

type Answer = unknown | { readonly status: number }

const label = 'node-role.kubernetes.io/control-plane'
const node = (name: string, address: string, isControlPlane = false) => ({
  metadata: { name, labels: isControlPlane ? { [label]: '' } : {}, creationTimestamp: '2026-01-01T00:00:00Z' },
  status: { addresses: [{ type: 'InternalIP', address }], nodeInfo: { kubeletVersion: 'v1.37.2' } },
})

const configured = (more = '') => ({
  data: {
    ClusterConfiguration: `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.37.2\n${more}`,
  },
})

const system = '/api/v1/namespaces/kube-system'
const paths = { nodes: '/api/v1/nodes', config: `${system}/configmaps/kubeadm-config`, pods: `${system}/pods` }

const usual: Record<string, Answer> = {
  [paths.nodes]: { items: [node('cp1', '192.168.13.30', true), node('w1', '192.168.13.35')] },
  [paths.config]: configured(),
  [paths.pods]: { items: [] },
}

/** An API server that answers so, by path; else 404. */
async function server(t: Test, given: Record<string, Answer> = {}) {
  const answers = { ...usual, ...given }
  const ca = createFleetCa('test')
  const pair = issueCertificate({
    ca,
    commonName: 'kube-apiserver',
    organizations: [],
    dnsNames: [],
    ipAddresses: ['127.0.0.1'],
    days: 1,
    usage: 'server',
  })
  const asked: string[] = []
  const tls = createServer({ cert: pair.certPem, key: pair.keyPem }, (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`)
    const found = answers[(request.url ?? '').split('?')[0] ?? ''] ?? { status: 404 }
    const answer = typeof found === 'function' ? found() : found
    const isStatus = typeof answer === 'object' && typeof (answer as { status?: unknown }).status === 'number'
    response.writeHead(isStatus ? (answer as { status: number }).status : 200)
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    tls.closeAllConnections()
    tls.close()
  })
  const folder = t.testdir()
  const { port } = tls.address() as AddressInfo
  const kubeconfig = (
    user: object = { token: 'abc' },
    cluster: object = { 'certificate-authority-data': Buffer.from(ca.certPem).toString('base64') },
    current = 'a',
  ) => {
    const path = `${folder}/kubeconfig`
    const config = {
      clusters: [{ name: 'prod', cluster: { server: `https://127.0.0.1:${port}`, ...cluster } }],
      users: [{ name: 'me', user }],
      contexts: [{ name: 'a', context: { cluster: 'prod', user: 'me' } }],
      'current-context': current,
    }
    writeFileSync(path, stringify(config))
    return path
  }
  return { folder, asked, ca, kubeconfig }
}

const look = (kubeconfig: string | undefined, more: Partial<DiscoverWish> = {}) =>
  discover(
    { kubeconfig, allowExec: false, groups: [], joins: [], answers: {}, proposeVirtualIp: false, ...more },
    new AbortController().signal,
  )

t.test('what may not be read becomes a question; only GET is asked, with the token', async (t) => {
  const { kubeconfig, asked } = await server(t, { [paths.config]: { status: 403 }, [paths.pods]: { status: 403 } })
  const { clusterFile, questions } = await look(kubeconfig())
  t.match(clusterFile, 'name: prod   # the cluster in the kubeconfig')
  t.match(clusterFile, /endpoint: "\?" {3}# QUESTION: .*If kubeadm-config has a controlPlaneEndpoint, write that/)
  t.match(clusterFile, '# Pods of kube-system may not be read by this user')
  t.match(clusterFile, '  - {name: cp1, address: 192.168.13.30}   # Node of the cluster, exists, v1.37.2')
  t.match(questions[0], { line: 11, message: /^endpoint is not answered: which DNS name/ })
  t.equal(questions.length, 4, 'endpoint, virtual IP, two machines')
  t.ok(asked.length >= 4 && asked.every((one) => /^GET \S+ Bearer abc$/.test(one)))
})

t.test('what was said with the command is no question', async (t) => {
  const { kubeconfig } = await server(t)
  const answers = { name: 'prod-2', endpoint: 'apiserver.example.com:8443' }
  const { clusterFile, questions } = await look(kubeconfig(), { answers })
  t.match(clusterFile, '  name: prod-2   # --name\nendpoint: apiserver.example.com:8443   # --endpoint\n')
  t.notMatch(JSON.stringify(questions), /endpoint is not answered/)
})

t.test('a list of several pages is read to its end', async (t) => {
  const pages = [
    { metadata: { continue: 'a&b' }, items: [node('cp1', '192.168.13.30', true)] },
    { items: [node('w7', '192.168.13.37')] },
  ]
  const { kubeconfig, asked } = await server(t, { [paths.nodes]: () => pages.shift() })
  t.match((await look(kubeconfig())).clusterFile, '{name: w7, address: 192.168.13.37}')
  t.match(asked, [/limit=100 /, /limit=100&continue=a%26b /])
})

t.test('an endpoint and a load balancer that are there', async (t) => {
  const of = async (endpoint: string, pod?: object) => {
    const { kubeconfig } = await server(t, {
      [paths.config]: configured(`controlPlaneEndpoint: ${endpoint}\nclusterName: shop\n`),
      [paths.pods]: { items: pod === undefined ? [] : [pod] },
    })
    return (await look(kubeconfig())).clusterFile
  }
  const kubeVip = (volumes: object[] = []) => ({
    metadata: { name: 'kube-vip-cp1' },
    spec: {
      volumes,
      containers: [
        {
          image: 'ghcr.io/kube-vip/kube-vip:v0.8.9',
          env: [
            { name: 'cp_enable', value: 'true' },
            { name: 'address', value: '192.168.13.100' },
          ],
        },
      ],
    },
  })
  const plain = await of('api.example.com')
  t.match(plain, 'endpoint: api.example.com:6443   # controlPlaneEndpoint of kubeadm-config')
  t.match(plain, 'name: shop   # clusterName of kubeadm-config')
  t.match(plain, /kind: "\?" {3}# QUESTION: what serves this endpoint/)
  t.match(
    await of('api.example.com:6443', kubeVip()),
    /kind: external {3}# pod kube-vip-cp1: this kube-vip stays.*\n {2}virtualIP: 192.168.13.100/,
  )
  t.match(
    await of('api.example.com:6443', kubeVip([{ hostPath: { path: '/etc/kubernetes/kube-vip.conf' } }])),
    /kind: kube-vip .*\n.*\n {2}image: "ghcr.io/,
  )
  const keepalived = {
    metadata: { name: 'keepalived-cp1' },
    spec: { containers: [{ image: 'osixia/keepalived:2.0.20' }] },
  }
  t.match(await of('api.example.com:8443', keepalived), /kind: external {3}# pod keepalived-cp1: this keepalived stays/)
  t.match(await of('192.168.13.30:6443'), /endpoint: "\?" .*192.168.13.30:6443, which is not a DNS name/)
  t.match(await of('cp1:6443'), /endpoint: "\?" .*which is the name of a node/)
})

t.test('what is in the way is one sentence with a remedy', async (t) => {
  const refuses = async (
    given: Record<string, Answer>,
    wanted: { readonly code: string; readonly message: RegExp; readonly remedy?: RegExp },
    more: Partial<DiscoverWish> = {},
  ) => {
    const { kubeconfig } = await server(t, given)
    await t.rejects(look(kubeconfig(), more), wanted)
  }
  const code = 'CLUSTER_NOT_READ'
  await refuses(
    { [paths.nodes]: { status: 403 } },
    { code, message: /may not list nodes/, remedy: /list nodes; get configmaps/ },
  )
  await refuses({ [paths.nodes]: { status: 401 } }, { code, message: /does not accept the credentials/ })
  await refuses({ [paths.nodes]: { status: 302 } }, { code, message: /answered 302/ })
  await refuses({ [paths.nodes]: '<html>' }, { code, message: /did not return what a Kubernetes API server returns/ })
  await refuses({ [paths.nodes]: { items: [node('a\u001b[31m', '10.0.0.1')] } }, { code, message: /did not return/ })
  await refuses({ [paths.nodes]: 'x'.repeat(9 * 1024 * 1024) }, { code, message: /more than 8388608 bytes/ })
  await refuses({ [paths.config]: { status: 404 } }, { code, message: /not a kubeadm cluster: it has no ConfigMap/ })
  await refuses({ [paths.nodes]: { items: [node('w1', '10.0.0.1')] } }, { code, message: /no Node has the label/ })
  const three = ['a', 'b', 'c'].map((name, index) => node(name, `10.0.0.${index + 1}`, true))
  await refuses({ [paths.nodes]: { items: three } }, { code, message: /has 3 control planes already/ })
  const join = { name: 'w1', address: '192.168.13.36', from: '--join' }
  await refuses({}, { code: 'USAGE', message: /w1 at 192.168.13.35 has it already/ }, { joins: [join] })
  await t.rejects(look(undefined), { code: 'USAGE', message: /nothing to read/ })
  await t.rejects(look('/nowhere'), { code: 'USAGE', message: /there is no such file/ })
})

t.test('Ctrl-C and a server that is too slow end it', async (t) => {
  const stop = new AbortController()
  const { kubeconfig } = await server(t, { [paths.nodes]: () => stop.abort() })
  const wish = {
    kubeconfig: kubeconfig(),
    allowExec: false,
    groups: [],
    joins: [],
    answers: {},
    proposeVirtualIp: false,
  }
  await t.rejects(discover(wish, stop.signal), { code: 'INTERRUPTED' })
  await t.rejects(discover(wish, AbortSignal.timeout(0)), { code: 'CLUSTER_NOT_READ', message: /answers too slowly/ })
})

t.test('a kubeconfig that cannot be used', async (t) => {
  const { kubeconfig, ca } = await server(t)
  const usage = async (path: string, message: RegExp, more: Partial<DiscoverWish> = {}) =>
    t.rejects(look(path, more), { code: 'USAGE', message })
  const trusted = { 'certificate-authority-data': Buffer.from(ca.certPem).toString('base64') }
  await usage(kubeconfig({}, trusted), /no credentials/)
  await usage(kubeconfig(undefined, { 'insecure-skip-tls-verify': true }), /insecure-skip-tls-verify/)
  await usage(kubeconfig(undefined, { ...trusted, 'proxy-url': 'http://a' }), /proxy-url/)
  await usage(kubeconfig(undefined, { ...trusted, server: 'http://127.0.0.1:1' }), /not https/)
  await usage(kubeconfig({ username: 'a', password: 'b' }, trusted), /password/)
  await usage(kubeconfig({ token: 'a b' }, trusted), /not a token/)
  await usage(kubeconfig({ 'client-certificate-data': 'YQ==', 'client-key-data': 'YQ==' }, trusted), /not valid PEM/)
  await usage(kubeconfig(undefined, trusted, ''), /no current-context/)
  await usage(kubeconfig(undefined, trusted), /no context of that name/, { context: 'b' })
  const found = await look(kubeconfig(undefined, trusted, ''), { context: 'a' })
  t.match(found.clusterFile, 'cp1')
  const stranger = Buffer.from(createFleetCa('other').certPem).toString('base64')
  await t.rejects(look(kubeconfig(undefined, { 'certificate-authority-data': stranger })), {
    code: 'CLUSTER_NOT_READ',
    message: /is not trusted/,
  })
  const gone = { ...trusted, server: 'https://127.0.0.1:1' }
  await t.rejects(look(kubeconfig(undefined, gone)), {
    code: 'CLUSTER_NOT_READ',
    message: /cannot be reached: ECONNREFUSED/,
  })
})

t.test('an exec plugin runs only where it is allowed', async (t) => {
  const { kubeconfig, folder, asked } = await server(t)
  mkdirSync(`${folder}/bin`)
  const plugin = (text: string) => {
    writeFileSync(`${folder}/bin/login`, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
    return kubeconfig({
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: './bin/login',
        args: ['x'],
        env: [{ name: 'WHO', value: 'me' }],
      },
    })
  }
  const credential = `echo '{"kind":"ExecCredential","status":{"token":"'$WHO-$1'"}}'`
  await t.rejects(look(plugin(credential)), { code: 'USAGE', message: /runs a program/, remedy: /--allow-exec/ })
  t.same(asked, [])
  await look(plugin(credential), { allowExec: true })
  t.match(asked[0], /Bearer me-x$/)
  await t.rejects(look(plugin('echo log in first >&2; exit 3'), { allowExec: true }), {
    message: /exit code 3: log in first/,
  })
  await t.rejects(look(plugin('echo {}'), { allowExec: true }), { message: /printed no credentials/ })
})

t.test(
  'inventory and cluster: hosts that are no Nodes join, Nodes get the address of ssh for their agent',
  async (t) => {
    const { kubeconfig, folder } = await server(t)
    const inventory = `${folder}/hosts`
    writeFileSync(
      inventory,
      '[masters]\ncp1 ansible_host=10.0.0.30 ip=192.168.13.30\ncp2 ansible_host=10.0.0.31 ip=192.168.13.31\nw1\n[workers]\nw9 ip=192.168.13.39\n',
    )
    const { clusterFile } = await look(kubeconfig(), { inventory })
    t.match(
      clusterFile,
      /\{name: cp1, address: 192.168.13.30, agent: 10.0.0.30\} {3}# Node of the cluster, exists, v1.37.2; agent: host cp1/,
    )
    t.match(clusterFile, /\{name: cp2, address: 192.168.13.31, agent: 10.0.0.31\} {3}# host cp2 of group masters/)
    t.match(clusterFile, /\{name: "\?", address: "\?"\} {3}# QUESTION: which machine becomes control plane 3/)
    t.match(clusterFile, '# 1 worker of the inventory is not in the cluster, so not here: w9.')
    t.match(clusterFile, '# A worker cannot become a control plane while it is in the cluster: w1.')
  },
)

t.test('a virtual IP is proposed where nothing answers', async (t) => {
  const seen: string[] = []
  const react = async (address: string) => {
    seen.push(address)
    return address.endsWith('.249') ? ('answers' as const) : ('silent' as const)
  }
  t.match(await proposeVirtualIp('192.168.13.30', new Set(['192.168.13.250']), react), { address: '192.168.13.248' })
  t.same(seen, ['192.168.13.249', '192.168.13.248'])
  t.equal(await proposeVirtualIp('192.168.13.30', new Set(), async () => 'unknown'), undefined)
  t.equal(await proposeVirtualIp('fd00::1', new Set(), react), undefined)
})
