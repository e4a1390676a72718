import t from 'tap'
import { readAppArmor } from '../../../../agent/src/ops/facts/apparmor.js'
import { readOtherStaticPods } from '../../../../agent/src/ops/facts/other-static-pods.js'
import { readPackages } from '../../../../agent/src/ops/facts/packages.js'
import { OpsNode } from '../../../support/ops-node.js'

const manifests = '/etc/kubernetes/manifests'

t.test('packages of dpkg, held or not, and again after the file has changed', async (t) => {
  const node = await OpsNode.make(t)
  t.same(await readPackages(node.tools.host), { packages: [], automaticUpgrades: '' })
  const stanza = (selection: string) =>
    `Package: vim\nStatus: install ok installed\nVersion: 2:9\n\nPackage: kubelet\nStatus: ${selection} ok installed\nVersion: 1.37.2-1.1\n\nPackage: kubeadm\nStatus: deinstall ok config-files\nVersion: 1.36.0-1.1\n`
  node.write('/var/lib/dpkg/status', stanza('install'))
  t.match(await readPackages(node.tools.host), {
    packages: [{ name: 'kubelet', version: '1.37.2-1.1', held: false }],
  })
  node.write('/var/lib/dpkg/status', stanza('hold'))
  t.match(await readPackages(node.tools.host), { packages: [{ name: 'kubelet', held: true }] })
})

t.test(
  'the sockets of KMS plugins by the paths of the node, and nothing else of the encryption configuration',
  async (t) => {
    const node = await OpsNode.make(t)
    node.write(
      `${manifests}/kube-apiserver.yaml`,
      `apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, labels: {component: kube-apiserver}}
spec:
  containers:
  - name: kube-apiserver
    command: [kube-apiserver, --encryption-provider-config=/enc/config.yaml]
    volumeMounts: [{mountPath: /enc, name: enc}, {mountPath: /kms, name: kms}]
  volumes: [{name: enc, hostPath: {path: /etc/kubernetes/enc}}, {name: kms, hostPath: {path: /var/run/kmsplugin}}]
`,
    )
    const secret = 'c2VjcmV0LWtleS1vZi1hZXM='
    node.write(
      '/etc/kubernetes/enc/config.yaml',
      `kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: [{kms: {endpoint: "unix:///kms/socket.sock"}}, {kms: {endpoint: "unix:///@abstract"}}, {aescbc: {keys: [{name: a, secret: ${secret}}]}}]
`,
    )
    node.write(
      '/proc/net/unix',
      `Num       RefCount Protocol Flags    Type St Inode Path
ffff8881: 00000002 00000000 00010000 0001 01 22011 /run/kmsplugin/socket.sock
ffff8882: 00000003 00000000 00000000 0001 03 22012 /run/dbus/system_bus_socket
ffff8883: 00000002 00000000 00010000 0001 01 22013 @/abstract
`,
    )
    node.write(
      `${manifests}/kms.yaml`,
      'kind: Pod\nmetadata: {name: kms}\nspec: {containers: [{image: kms:1, args: [--token=abc]}]}\n',
    )
    const facts = await readOtherStaticPods(node.tools.host, ['kms.yaml', 'gone.yaml'])
    t.same(facts.kmsSockets, ['/var/run/kmsplugin/socket.sock'])
    t.same(facts.listeningUnixSockets, ['/run/kmsplugin/socket.sock'])
    t.match(facts.otherStaticPods, [
      {
        file: 'kms.yaml',
        pod: 'kms',
        images: ['kms:1'],
        command: [/^--token=<masked:[0-9a-f]{8}:[0-9a-f]{16}>$/],
        problem: '',
      },
      { file: 'gone.yaml', pod: '', problem: 'its kind is not Pod' },
    ])
    t.notMatch(JSON.stringify(facts), secret)
  },
)

t.test('profiles of AppArmor, those of the load balancer with the rules of both files', async (t) => {
  const node = await OpsNode.make(t)
  t.same(await readAppArmor(node.tools.host), { apparmorProfiles: [] })
  node.write('/sys/kernel/security/apparmor/profiles', 'haproxy (enforce)\nsnap.lxd.daemon (complain)\n')
  node.write(
    '/etc/apparmor.d/usr.sbin.haproxy',
    'profile haproxy /usr/sbin/haproxy {\n  /etc/ssl/** r,\n  capability kill,\n}\n',
  )
  node.write('/etc/apparmor.d/local/usr.sbin.haproxy', '/etc/haproxy/haproxy.cfg r,\n')
  t.same((await readAppArmor(node.tools.host)).apparmorProfiles, [
    {
      ...{ name: 'haproxy', mode: 'enforce', file: '/etc/apparmor.d/usr.sbin.haproxy' },
      rules: ['/etc/ssl/** r', '/etc/haproxy/haproxy.cfg r'],
    },
    { name: 'snap.lxd.daemon', mode: 'complain', file: '', rules: [] },
  ])
})

t.test('a secret has the same mark on every control plane of a cluster, and on no other node', async (t) => {
  const manifest = 'kind: Pod\nmetadata: {name: kms}\nspec: {containers: [{image: kms:1, args: [--token=abc]}]}\n'
  const markOn = async (files: Readonly<Record<string, string>>) => {
    const node = await OpsNode.make(t)
    for (const [path, text] of Object.entries({ ...files, [`${manifests}/kms.yaml`]: manifest })) node.write(path, text)
    const [pod] = (await readOtherStaticPods(node.tools.host, ['kms.yaml'])).otherStaticPods
    return pod?.command[0]
  }
  const pki = '/etc/kubernetes/pki'
  const mark = await markOn({ [`${pki}/sa.key`]: 'KEY', [`${pki}/ca.key`]: 'CA' })
  t.match(mark, /^--token=<masked:/)
  t.equal(await markOn({ [`${pki}/sa.key`]: 'KEY' }), mark)
  t.not(await markOn({ [`${pki}/sa.key`]: 'ANOTHER' }), mark)
  t.equal(
    await markOn({ [`${pki}/ca.key`]: 'KEY' }),
    mark,
    'the CA has the key where that of service accounts is elsewhere',
  )
  const without = await markOn({})
  t.equal(await markOn({}), without, 'without any: of this process')
  t.not(without, mark)
})
