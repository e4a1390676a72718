import { controlPlanesAlike } from '@quorate/coordinator/conversion/proofs/control-planes-alike'
import { NodeFolders, SharedFile, type StaticPodFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { maskBy } from '@quorate/shared/mask'
import { filePlace } from '@quorate/shared/text-place'
import t from 'tap'
import { podFacts } from '../../../../../agent/src/ops/facts/static-pods.js'
import { PaperCluster } from '../../../../support/paper-cluster/cluster.js'
import { clusterFile } from '../../../../support/paper-cluster/state.js'

const place = filePlace('/etc/kubernetes/manifests/etcd.yaml')

type Facts = ReturnType<PaperCluster['node']>['facts']
const [first, second] = ['k8smaster1.example.com', 'k8smaster2.example.com']
const pki = '/etc/kubernetes/pki'

interface Change {
  readonly of?: (facts: Facts) => void
  readonly all?: (facts: Facts) => void
  readonly file?: typeof clusterFile
}

/** What the proof finds where one thing of the second control plane is changed, after what is on all three. */
async function found({ of = () => undefined, all = () => undefined, file = clusterFile }: Change) {
  const paper = new PaperCluster('v1.37.2', file)
  for (const at of [1, 2, 3]) {
    const { facts } = paper.node(`k8smaster${at}`)
    facts.staticPods = [apiServer(facts.interfaces[0]?.addresses[0]?.replace('/24', '') ?? '')]
    all(facts)
  }
  of(paper.node('k8smaster2').facts)
  return (await controlPlanesAlike.prove(paper.run(), new AbortController().signal)).findings
}

function apiServer(address: string, key = 'of the cluster', env = ''): StaticPodFacts {
  return podFacts(
    `apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, labels: {component: kube-apiserver}}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.37.2
    command:
    - kube-apiserver
    - --advertise-address=${address}
    - --encryption-provider-config=/etc/kubernetes/enc/enc.yaml
    - --audit-policy-file=/etc/kubernetes/audit/policy.yaml
${env}
    livenessProbe: {httpGet: {host: ${address}, path: /livez, port: 6443}}
    volumeMounts:
    - {name: enc, mountPath: /etc/kubernetes/enc}
    - {name: audit, mountPath: /etc/kubernetes/audit}
  volumes:
  - {name: enc, hostPath: {path: /etc/kubernetes/enc, type: Directory}}
  - {name: audit, hostPath: {path: /etc/kubernetes/audit, type: Directory}}
`,
    maskBy(Buffer.from(key)),
    place,
  )
}

const shared = (path: string, sha256: string): SharedFile =>
  SharedFile.fromPartial({ path, kind: 'file', sha256, bytes: 300, component: 'kube-apiserver' })
const folder = (path: string): SharedFile => SharedFile.fromPartial({ path, kind: 'directory', directory: true })
const encryption = '/etc/kubernetes/enc/enc.yaml'
const audit = '/etc/kubernetes/audit/policy.yaml'
const withFiles = (facts: Facts): void => {
  facts.sharedFiles = [folder('/etc/kubernetes/enc'), shared(encryption, 'aabbccddeeff'), shared(audit, 'aabbcc')]
}
const other = (path: string) => (facts: Facts) => {
  facts.sharedFiles = facts.sharedFiles.map((one) => (one.path === path ? { ...one, sha256: 'ddeeffaabbcc' } : one))
}

t.test('three that are alike', async (t) => {
  t.same(await found({ all: withFiles }), [])
})

for (const path of [encryption, audit]) {
  t.test(`another content of ${path} is named, and nothing of the content`, async (t) => {
    const findings = await found({ all: withFiles, of: other(path) })
    t.match(findings, [{ severity: 'error', node: second, message: `${path}, which a control plane component reads` }])
    t.match(findings[0]?.message, `differs from the file on ${first}`)
    t.match(findings[0]?.remedy, `sha256sum ${path}`)
    t.notMatch(JSON.stringify(findings), /aabbcc|ddeeff/)
  })
}

t.test('a file that is absent on one, and one that is there on one', async (t) => {
  const none = (facts: Facts): void => {
    facts.sharedFiles = facts.sharedFiles.filter(({ path }) => path !== encryption)
  }
  t.match(await found({ all: withFiles, of: none }), [{ message: `is absent, but exists on ${first}` }])
  const more = (facts: Facts): void => void facts.sharedFiles.push(shared('/etc/kubernetes/enc/more.yaml', '11'))
  t.match(await found({ all: withFiles, of: more }), [{ severity: 'warning', message: `is absent on ${first}` }])
})

t.test('signing keys and authorities, wherever the cluster keeps them', async (t) => {
  for (const certificatesDir of [pki, '/etc/ssl/k8s']) {
    const all = (facts: Facts): void => {
      facts.folders = NodeFolders.fromPartial({ certificatesDir, manifests: '/etc/kubernetes/manifests' })
      facts.fileHashes = { [`${certificatesDir}/sa.key`]: 'aa', [`${certificatesDir}/ca.crt`]: 'bb' }
    }
    t.same(await found({ all }), [])
    for (const [name, severity] of [
      ['sa.key', 'error'],
      ['ca.crt', 'warning'],
    ] as const) {
      const of = ({ fileHashes }: Facts) => void Object.assign(fileHashes, { [`${certificatesDir}/${name}`]: 'cc' })
      t.match(await found({ all, of }), [{ severity, node: second, message: `${certificatesDir}/${name}, which` }])
    }
  }
})

t.test("another node's own values are wrong", async (t) => {
  const of = (facts: Facts): void => {
    facts.staticPods = [apiServer('192.168.13.30')]
  }
  t.match(await found({ of }), [
    { severity: 'error', message: `--advertise-address of kube-apiserver differs from ${first}: 192.168.13.30` },
    { severity: 'error', message: /livenessProbe.httpGet.host of kube-apiserver differs/ },
  ])
})

t.test('what is the same on all of them is no difference, whosever address it holds', async (t) => {
  const all = (facts: Facts): void => {
    facts.staticPods[0]?.command.push(
      '--etcd-servers=https://192.168.13.30:2379',
      '--oidc-issuer-url=https://k8smaster1',
    )
  }
  t.same(await found({ all }), [], 'an etcd that is no static pod, on the first machine')
  const stacked = (facts: Facts): void => {
    all(facts)
    facts.staticPods.push({ ...apiServer('127.0.0.1'), component: 'etcd' })
  }
  t.match(await found({ all: stacked }), [
    { node: second, message: /--etcd-servers of kube-apiserver/ },
    { message: /--etcd-servers of kube-apiserver/ },
  ])
})

t.test('flags of kubelets', async (t) => {
  const given =
    (name: string, value: string, where = '/etc/default/kubelet') =>
    (facts: Facts) =>
      void facts.kubeletFlags.push({ name, value, where })
  t.match(await found({ of: given('max-pods', '200') }), [
    {
      severity: 'warning',
      node: second,
      message: `--max-pods of the kubelet differs from ${first}: 200; on ${first}: absent`,
      evidence: '/etc/default/kubelet: --max-pods=200',
      remedy: 'systemctl restart kubelet',
    },
  ])
  t.match(await found({ of: given('cloud-provider', 'external') }), [{ severity: 'error' }])
  t.match(await found({ all: given('v', '2'), of: given('v', '4') }), [{ message: `: 4; on ${first}: 2` }])
  t.same(await found({ of: given('node-ip', '192.168.13.31') }), [], 'its own')
  t.same(await found({ of: given('node-labels', 'topology.kubernetes.io/zone=b') }), [], 'of the machine')
  t.same(await found({ of: given('pod-infra-container-image', 'pause:3.9', '/var/lib/kubelet/kubeadm-flags.env') }), [])
  const own = { ...clusterFile, policy: { ...clusterFile.policy, kubeletExtraArgs: 'own' as const } }
  t.same(await found({ of: given('max-pods', '200'), file: own }), [], 'as the operator chose')
})

t.test('configuration of kubelets, by value', async (t) => {
  const config = (text: string) => (facts: Facts) =>
    void Object.assign(facts, {
      kubeletConfig: `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n${text}`,
    })
  const all = config('maxPods: 110\nclusterDNS: [10.96.0.10]\n')
  t.same(await found({ all, of: config('"clusterDNS": ["10.96.0.10"]\n"maxPods": 110\n') }), [])
  t.match(await found({ all, of: config('maxPods: 200\nclusterDNS: [10.96.0.10]\n') }), [
    { severity: 'error', node: second, message: `maxPods of the kubelet differs from ${first}: 200` },
  ])
  const unreadable = (facts: Facts) => void Object.assign(facts, { kubeletConfig: '\t- [' })
  t.same(await found({ all, of: unreadable }), [], 'not field by field: its own agent says so')
})

t.test('a manifest that cannot be read is not said to be absent', async (t) => {
  const unreadable = (facts: Facts) => {
    facts.staticPods = []
    facts.manifestProblems = [
      {
        component: 'kube-apiserver',
        path: '/etc/kubernetes/manifests/kube-apiserver.yaml',
        problem: 'x',
        remedy: '',
        linkTarget: '',
      },
    ]
  }
  t.same(await found({ of: unreadable }), [])
})

t.test('secrets are compared and never told', async (t) => {
  const proxy = (password: string) => `    env: [{name: HTTPS_PROXY, value: "http://user:${password}@proxy:3128"}]`
  const with_ = (password: string, key?: string) => (facts: Facts) => {
    facts.staticPods = [apiServer(facts.interfaces[0]?.addresses[0]?.replace('/24', '') ?? '', key, proxy(password))]
  }
  const told = /hunter|masked:/
  t.same(await found({ all: with_('hunter1') }), [])
  const differ = await found({ all: with_('hunter1'), of: with_('hunter2') })
  t.match(differ, [
    { severity: 'error', message: `HTTPS_PROXY of kube-apiserver differs from ${first}: http://<masked>@proxy:3128` },
  ])
  const unknown = await found({ all: with_('hunter1'), of: with_('hunter1', 'another key') })
  t.match(unknown, [{ severity: 'warning', message: `holds a secret, and cannot be compared with that of ${first}` }])
  for (const findings of [differ, unknown]) t.notMatch(JSON.stringify(findings), told)
})
