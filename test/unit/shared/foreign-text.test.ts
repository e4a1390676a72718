import { opensslExtensions } from '@quorate/shared/certificate-request'
import { setControlPlaneEndpoint, withCertificatesDir } from '@quorate/shared/cluster-config-map'
import { QuorateError } from '@quorate/shared/errors'
import { withHostsBlock } from '@quorate/shared/hosts-file'
import { renderKubeVip } from '@quorate/shared/kube-vip-manifest'
import { discoveryKubeconfig, finishDocument, initDocuments, joinDocument } from '@quorate/shared/kubeadm-documents'
import { renderHaproxy, renderKeepalived } from '@quorate/shared/load-balancer-config'
import { placeOf } from '@quorate/shared/load-balancer-place'
import { renderLoadBalancerUnit } from '@quorate/shared/load-balancer-unit'
import { signedKubeconfig } from '@quorate/shared/signed-kubeconfig'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { commands } from '../../../agent/src/host/commands.js'
import { check } from '../../../agent/src/server/field-checks.js'

/** What would be another line, word, key or value, were it written as it comes. */
const hostile = [
  ...[
    'x\ny: z',
    'x\r\ny',
    'x y',
    "x'; id; '",
    'x"; id; "',
    '$(id)',
    '`id`',
    'x\0y',
    'x\u001b[2Jy',
    'x\u202ey',
    'x\u0085y',
  ],
  ...['x\u2028y', '- x', '{a: b}', '*x', '&x y', '# x', 'x # y', '!!binary x', '---\nx', '%x', '@x', '| x', 'x: ', ''],
]

/** Formats without quoting: each value must be refused. */
const refusing: Readonly<Record<string, (text: string) => unknown>> = {
  'haproxy.cfg, backend': (name) => renderHaproxy({ port: 1, backends: [{ name, address: '10.0.0.1', port: 1 }] }),
  'haproxy.cfg, address': (address) => renderHaproxy({ port: 1, backends: [{ name: 'a', address, port: 1 }] }),
  'haproxy.cfg, bind': (bindAddress) =>
    renderHaproxy({ port: 1, bindAddress: `10.0.0.1${bindAddress || '\n'}`, backends: [] }),
  'keepalived.conf, virtual IP': (virtualIp) => keepalived({ virtualIp }),
  'keepalived.conf, interface': (interfaceName) => keepalived({ interfaceName }),
  'keepalived.conf, own address': (ownAddress) => keepalived({ ownAddress }),
  'keepalived.conf, peer': (peer) => keepalived({ peers: [peer] }),
  'unit file': (path) => renderLoadBalancerUnit(placeOf('haproxy', {}), `/usr/sbin/haproxy${path || '\n'}`),
  'hosts file, name': (name) => withHostsBlock('', name, '10.0.0.1'),
  'hosts file, address': (address) => withHostsBlock('', 'a.example.com', address),
  'kubeadm, endpoint': (text) => setControlPlaneEndpoint(configuration, `${text}:8443`, []),
  'kubeadm, folder': (text) => withCertificatesDir(configuration, text),
  'openssl, request': (csr) => opensslExtensions({ csr, usages: ['server'] }),
  'kube-vip, image': (image) => renderKubeVip({ ...kubeVip, image }),
  'kube-vip, interface': (interfaceName) => renderKubeVip({ ...kubeVip, interfaceName }),
}

const configuration = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.37.2\n'
const vrrp = {
  ...{ virtualIp: '10.0.0.9', interfaceName: 'eth0', prefixLength: 24, virtualRouterId: 1, priority: 1 },
  ...{ ownAddress: '10.0.0.1', peers: [] as string[], port: 1 },
}
const keepalived = (change: Partial<typeof vrrp>): string => renderKeepalived({ ...vrrp, ...change })
const kubeVip = {
  ...{ virtualIp: '10.0.0.9', image: 'x/y:1', interfaceName: 'eth0' },
  apiServer: { address: '10.0.0.1', port: 6443 },
}
const join = {
  ...{ apiVersion: 'v1beta4', endpoint: 'a:1', token: 't', caPins: ['p'], nodeName: 'n', criSocket: 's' },
  ...{ advertiseAddress: '10.0.0.1', bindPort: 1, certificateKey: 'k', ignorePreflightErrors: [] as string[] },
}
const template = 'clusters:\n- {name: c, cluster: {server: "https://a:1"}}\nusers:\n- {name: u, user: {}}\n'

/** YAML: each value must be read again as what it was. */
const quoting: Readonly<Record<string, (text: string) => string>> = {
  'certificate names': (text) => setControlPlaneEndpoint(configuration, 'a.example.com:8443', [text]),
  'InitConfiguration, node': (nodeName) =>
    initDocuments({ ...join, clusterConfiguration: configuration, nodeName, criSocket: '/s' }),
  'InitConfiguration, socket': (criSocket) =>
    initDocuments({ ...join, clusterConfiguration: configuration, criSocket: `unix:${criSocket}` }),
  'JoinConfiguration, node': (nodeName) => joinDocument({ ...join, nodeName }),
  'JoinConfiguration, ignored': (text) => joinDocument({ ...join, ignorePreflightErrors: [text] }),
  'JoinConfiguration, flag': (value) =>
    joinDocument({ ...join, kubeletExtraArgs: [{ name: 'v', value: `=${value}` }] }),
  'JoinConfiguration, taint': (value) =>
    joinDocument({ ...join, taints: [{ key: 'k', value: `=${value}`, effect: 'NoSchedule' }] }),
  'finish, kubeconfig': (kubeconfigPath) => finishDocument({ ...join, kubeconfigPath }),
  'discovery kubeconfig': (token) => discoveryKubeconfig({ endpoint: 'a:1', caPem: 'x', token }),
  'kubelet.conf': (path) => signedKubeconfig(template, { caPem: 'x', credentials: { path } }),
}

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : []
}

/** Index of each hostile text for which it does not hold: they would damage the test's own output. */
const failing = (holds: (text: string) => boolean, texts: readonly string[] = hostile): number[] =>
  texts.filter((text) => !holds(text)).map((text) => hostile.indexOf(text))

function isRefused(write: (text: string) => unknown, text: string): boolean {
  try {
    write(text)
    return false
  } catch (error) {
    return error instanceof QuorateError && /INVALID/.test(error.code)
  }
}

t.test('what cannot be quoted is refused', async (t) => {
  for (const [name, write] of Object.entries(refusing))
    t.same(
      failing((text) => isRefused(write, text)),
      [],
      name,
    )
})

t.test('what is YAML says exactly that, and nothing else', async (t) => {
  const read = (text: string) => parseAllDocuments(text).map((one) => one.toJS() as unknown)
  const keysOf = (value: unknown): unknown =>
    typeof value === 'object' && value !== null ? Object.entries(value).map(([key, part]) => [key, keysOf(part)]) : ''
  for (const [name, write] of Object.entries(quoting)) {
    const keys = JSON.stringify(keysOf(read(write('plain'))))
    const isExact = (text: string): boolean => {
      const value = read(write(text))
      return JSON.stringify(keysOf(value)) === keys && strings(value).some((one) => one.endsWith(text))
    }
    t.same(failing(isExact), [], name)
  }
})

t.test('command lines are words, and none can become an option', async (t) => {
  const made = [
    ...[commands.resolveName, commands.checkHaproxyConfig, commands.checkUnitFile, commands.validateConfig],
    ...[commands.stopUnit, commands.uploadCertificates, commands.joinControlPlane],
  ]
  const words = hostile.filter((one) => one !== '' && !one.startsWith('-'))
  for (const make of made) {
    t.same(
      failing((text) => make(text).args.includes(text), words),
      [],
      'one argument, whatever is in it',
    )
    for (const text of ['', '-x', '--kubeconfig=/x']) t.ok(isRefused(make, text))
  }
})

t.test('a kubelet’s flag, which kubeadm writes into an environment file, has no quote and no space', async (t) => {
  const unquoted = hostile.filter((one) => /[^ -~]|[\s"'`$\\]/.test(one))
  t.same(
    failing((text) => check.flagValue(text) !== undefined, unquoted),
    [],
  )
})
