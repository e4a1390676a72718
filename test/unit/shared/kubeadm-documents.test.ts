import { spawnSync } from 'node:child_process'
import { discoveryKubeconfig, finishDocument, initDocuments, joinDocument } from '@quorate/shared/kubeadm-documents'
import { readKubeconfig } from '@quorate/shared/kubeconfig'
import { filePlace } from '@quorate/shared/text-place'
import { holds } from '@quorate/shared/version-rules'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { fixtureData, fixtureVersions } from '../../support/fixtures.js'

const place = filePlace('/etc/kubernetes/admin.conf')

const finish = {
  kubeconfigPath: '/etc/kubernetes/admin.conf',
  nodeName: 'k8smaster2.example.com',
  criSocket: '/run/containerd/containerd.sock',
  advertiseAddress: '192.168.13.31',
  bindPort: 6443,
}

t.test('a later phase of a join finds the cluster by a kubeconfig of the node: no secret is in it', async (t) => {
  for (const apiVersion of ['v1beta3', 'v1beta4']) {
    t.same(parse(finishDocument({ ...finish, apiVersion })), {
      apiVersion: `kubeadm.k8s.io/${apiVersion}`,
      kind: 'JoinConfiguration',
      discovery: { file: { kubeConfigPath: '/etc/kubernetes/admin.conf' } },
      nodeRegistration: { name: finish.nodeName, criSocket: 'unix:///run/containerd/containerd.sock' },
      controlPlane: { localAPIEndpoint: { advertiseAddress: '192.168.13.31', bindPort: 6443 } },
    })
  }
  t.throws(() => finishDocument({ ...finish, apiVersion: 'v1beta2' }), { code: 'INVALID_REQUEST' })
})

const init = {
  advertiseAddress: '192.168.13.30',
  bindPort: 6443,
  nodeName: 'k8smaster1.example.com',
  criSocket: '/run/containerd/containerd.sock',
}
const key = 'ab'.repeat(32)

const join = {
  endpoint: 'apiserver.example.com:8443',
  token: 'abcdef.0123456789abcdef',
  caPins: [`sha256:${'0'.repeat(64)}`],
  nodeName: 'k8smaster2.example.com',
  criSocket: 'unix:///run/containerd/containerd.sock',
  advertiseAddress: '192.168.13.31',
  bindPort: 6443,
  certificateKey: key,
  ignorePreflightErrors: ['SystemVerification'],
  etcdTimeoutSeconds: 300,
}

t.test("InitConfiguration in the cluster's own version, then the ClusterConfiguration as it is", async (t) => {
  for (const version of fixtureVersions) {
    const clusterConfiguration = fixtureData(version, 'before/cm-kubeadm-config.yaml', 'ClusterConfiguration')
    const text = initDocuments({ ...init, clusterConfiguration, certificateKey: key })
    const [first, second] = parseAllDocuments(text).map((document) => document.toJS())
    t.strictSame(first, {
      apiVersion: version === 'v1.30.4' ? 'kubeadm.k8s.io/v1beta3' : 'kubeadm.k8s.io/v1beta4',
      kind: 'InitConfiguration',
      localAPIEndpoint: { advertiseAddress: '192.168.13.30', bindPort: 6443 },
      nodeRegistration: { name: 'k8smaster1.example.com', criSocket: 'unix:///run/containerd/containerd.sock' },
      certificateKey: key,
    })
    t.strictSame(second, parse(clusterConfiguration))
    t.ok(text.endsWith(`---\n${clusterConfiguration}`), 'not a byte of it is written anew')
    const staged = initDocuments({
      ...init,
      clusterConfiguration: `---\n${clusterConfiguration}`,
      certificatesDir: '/run/quorate-agent/stage',
    })
    const documents = parseAllDocuments(staged).map((document) => document.toJS())
    t.equal(documents.length, 2)
    t.strictSame(documents[1], { ...parse(clusterConfiguration), certificatesDir: '/run/quorate-agent/stage' })
    t.notOk('certificateKey' in documents[0])
  }
  t.throws(() => initDocuments({ ...init, clusterConfiguration: 'kind: X' }), { code: 'CONFIG_MAP_INVALID' })
})

t.test('JoinConfiguration of both versions', async (t) => {
  const common = {
    kind: 'JoinConfiguration',
    discovery: { bootstrapToken: { apiServerEndpoint: join.endpoint, token: join.token, caCertHashes: join.caPins } },
    nodeRegistration: { name: join.nodeName, criSocket: join.criSocket, ignorePreflightErrors: ['SystemVerification'] },
    controlPlane: { localAPIEndpoint: { advertiseAddress: '192.168.13.31', bindPort: 6443 }, certificateKey: key },
  }
  t.strictSame(parse(joinDocument({ ...join, apiVersion: 'v1beta4' })), {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    ...common,
    timeouts: { etcdAPICall: '300s' },
  })
  t.strictSame(
    parse(joinDocument({ ...join, apiVersion: 'v1beta3' })),
    { apiVersion: 'kubeadm.k8s.io/v1beta3', ...common },
    'v1beta3 has no timeouts',
  )
  const { etcdTimeoutSeconds: _, ...plain } = join
  const few = parse(joinDocument({ ...plain, apiVersion: 'v1beta4', ignorePreflightErrors: [] }))
  t.notOk('timeouts' in few)
  t.notOk('ignorePreflightErrors' in few.nodeRegistration)
  t.equal(
    parse(joinDocument({ ...join, apiVersion: 'v1beta4', certificateKey: '1'.repeat(64) })).controlPlane.certificateKey,
    '1'.repeat(64),
    'a key of digits stays a string',
  )
  t.equal(
    joinDocument({ ...join, apiVersion: 'v1' }),
    joinDocument({ ...join, apiVersion: 'v1beta4' }).replace('k8s.io/v1beta4', 'k8s.io/v1'),
    'v1 has the fields of v1beta4',
  )
  for (const apiVersion of ['v1beta2', 'v2', 'kubeadm.k8s.io/v1beta4', '']) {
    t.throws(() => joinDocument({ ...join, apiVersion }), { code: 'INVALID_REQUEST' }, apiVersion)
  }
})

t.test('JoinConfiguration by a discovery file, with patches and an address for the kubelet', async (t) => {
  const wish = {
    ...join,
    discoveryFile: '/run/x/discovery.conf',
    patchesFolder: '/etc/kubernetes/patches',
    nodeIp: '192.168.13.31',
  }
  const [newer, older] = ['v1beta4', 'v1beta3'].map((apiVersion) => parse(joinDocument({ ...wish, apiVersion })))
  for (const document of [newer, older]) {
    t.strictSame(document.discovery, { file: { kubeConfigPath: '/run/x/discovery.conf' } })
    t.strictSame(document.patches, { directory: '/etc/kubernetes/patches' })
  }
  t.strictSame(newer.nodeRegistration.kubeletExtraArgs, [{ name: 'node-ip', value: '192.168.13.31' }])
  t.strictSame(older.nodeRegistration.kubeletExtraArgs, { 'node-ip': '192.168.13.31' })
  const kubeconfig = discoveryKubeconfig({ endpoint: 'a.example.com:8443', caPem: 'CA', token: join.token })
  t.match(readKubeconfig(kubeconfig, place), { server: 'https://a.example.com:8443', caPem: 'CA' })
})

const kubeadm = spawnSync('kubeadm', ['version', '-o', 'short'], { encoding: 'utf8' })

t.test(
  'kubeadm itself accepts them',
  { skip: kubeadm.error === undefined ? false : 'kubeadm is not installed' },
  async (t) => {
    const newer = holds('config-v1beta4', kubeadm.stdout)
    const version = newer ? 'v1.37.2' : 'v1.30.4'
    const clusterConfiguration = fixtureData(version, 'after/cm-kubeadm-config.yaml', 'ClusterConfiguration')
    for (const [what, text] of [
      ['init', initDocuments({ ...init, clusterConfiguration, certificateKey: key })],
      ['join', joinDocument({ ...join, apiVersion: newer ? 'v1beta4' : 'v1beta3' })],
      // It looks whether the kubeconfig is there.
      [
        'finish',
        finishDocument({ ...finish, kubeconfigPath: import.meta.filename, apiVersion: newer ? 'v1beta4' : 'v1beta3' }),
      ],
    ] as const) {
      const folder = t.testdir({ 'config.yaml': text })
      const { status, stderr } = spawnSync('kubeadm', ['config', 'validate', '--config', `${folder}/config.yaml`], {
        encoding: 'utf8',
      })
      t.equal(status, 0, `${what}: ${stderr}`)
    }
  },
)

t.test(
  'a joiner gets flags of its kubelet and taints, in the shape of each API version; no taints are an empty list',
  async (t) => {
    const kubeletExtraArgs = [{ name: 'cloud-provider', value: 'external' }]
    const given = { ...join, nodeIp: '192.168.13.31', kubeletExtraArgs }
    t.match(parse(joinDocument({ ...given, apiVersion: 'v1beta4', taints: [] })).nodeRegistration, {
      kubeletExtraArgs: [
        { name: 'node-ip', value: '192.168.13.31' },
        { name: 'cloud-provider', value: 'external' },
      ],
      taints: [],
    })
    const taints = [{ key: 'dedicated', value: 'control', effect: 'NoExecute' }]
    t.match(parse(joinDocument({ ...given, apiVersion: 'v1beta3', taints })).nodeRegistration, {
      kubeletExtraArgs: { 'node-ip': '192.168.13.31', 'cloud-provider': 'external' },
      taints,
    })
    t.notOk(
      'taints' in parse(joinDocument({ ...given, apiVersion: 'v1beta4' })).nodeRegistration,
      "kubeadm's own where none are given",
    )
  },
)
