import { execFileSync } from 'node:child_process'
import { sha256Hex } from '@quorate/shared/hash'
import t from 'tap'
import type { Host } from '../../../../agent/src/host/host.js'
import { getNodeFacts } from '../../../../agent/src/ops/get-node-facts.js'
import { OpsNode } from '../../../support/ops-node.js'

const runc = 'containerd.runtimes.runc.options'

const factsOf = async (node: OpsNode) => {
  const { facts } = await getNodeFacts.run({}, node.tools, new AbortController().signal)
  if (facts === undefined) throw new Error('no facts')
  return facts
}

async function controlPlane(t: Parameters<typeof OpsNode.make>[0]): Promise<OpsNode> {
  const node = await OpsNode.make(t)
  for (const name of ['admin.conf', 'kubelet.conf', 'scheduler.conf', 'controller-manager.conf', 'manifests', 'pki']) {
    node.copy(`v1.37.2/before/${name}`, `/etc/kubernetes/${name}`)
  }
  node.write('/etc/kubernetes/pki/ca.key', 'key', 0o600)
  node.write('/etc/kubernetes/manifests/kube-apiserver.yaml.bak', 'old')
  node.write('/proc/sys/kernel/osrelease', '6.1.0-13-amd64\n')
  node.write('/etc/hostname', 'k8smaster1\n')
  node.write(
    '/etc/os-release',
    'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
  )
  node.write('/proc/cpuinfo', 'processor\t: 0\nmodel name: x\n\nprocessor\t: 1\n')
  node.write('/proc/meminfo', 'MemTotal:        4030000 kB\nMemFree: 1 kB\n')
  node.write('/proc/swaps', 'Filename\t\tType\n')
  node.write('/sys/fs/cgroup/cgroup.controllers', 'cpu memory\n')
  node.write('/proc/sys/net/ipv4/ip_forward', '1\n')
  node.write('/proc/sys/net/bridge/bridge-nf-call-iptables', '1\n')
  node.write('/etc/containerd/config.toml', `version = 2\n[plugins.cri.${runc}]\n    SystemdCgroup = true\n`)
  node.write(
    '/var/lib/kubelet/config.yaml',
    'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: systemd\n',
  )
  node.write('/etc/hosts', '127.0.0.1 localhost\n')
  node.link('/root/.kube/config', '/etc/kubernetes/admin.conf')
  node.write(
    '/run/ss-listening',
    'LISTEN 0 4096 *:6443 *:* users:(("kube-apiserver",pid=1,fd=3))\nLISTEN 0 4096 127.0.0.1:2379 0.0.0.0:* users:(("etcd",pid=2,fd=8))\n',
  )
  node.unit('kubelet', 'active', 'enabled')
  return node
}

t.test('one answer reads each file once, so that its parts do not speak of different bytes', async (t) => {
  const node = await controlPlane(t)
  const asked: string[] = []
  const counted: Host = Object.assign(Object.create(node.tools.host), {
    read: (path: string, options?: { readonly followLinks?: boolean }) => {
      asked.push(options?.followLinks ? `${path}, or its end` : path)
      return node.tools.host.read(path, options)
    },
  } satisfies Pick<Host, 'read'>)
  const { facts } = await getNodeFacts.run({}, { ...node.tools, host: counted }, new AbortController().signal)
  t.same(facts?.staticPods.length, 4)
  t.ok(asked.includes('/etc/kubernetes/manifests/etcd.yaml'))
  t.same(asked, [...new Set(asked)])
  t.notOk(asked.includes('/etc/kubernetes/bootstrap-kubelet.conf'), 'its folder tells that it is not there')
})

t.test('a first control plane', async (t) => {
  const facts = await factsOf(await controlPlane(t))
  t.match(facts, {
    hostname: 'k8smaster1',
    os: 'Debian GNU/Linux 12 (bookworm)',
    kernel: '6.1.0-13-amd64',
    clockSynchronised: true,
    cpus: 2,
    memoryBytes: 4030000 * 1024,
    swapOn: false,
    cgroupVersion: 'v2',
    ipForward: true,
    bridgeNetfilter: true,
    runtimeCgroupDriver: 'systemd',
    kubeadmVersion: 'v1.37.2',
    kubeletVersion: 'v1.37.2',
    kubectlVersion: 'v1.37.2',
    haproxyInstalled: true,
    keepalivedInstalled: true,
    crictlInstalled: false,
    machine: {
      osId: 'debian',
      osVersion: '12',
      programs: [
        { name: 'haproxy', version: '2.6.12' },
        { name: 'keepalived', version: '2.2.7' },
        { name: 'systemd', version: '252' },
      ],
      selinux: undefined,
    },
    cgroupDriver: 'systemd',
    caKeyPresent: true,
    strayManifests: ['kube-apiserver.yaml.bak'],
    otherDistribution: '',
    containerRuntime: '',
    criSocket: '/run/containerd/containerd.sock',
    sharedFiles: [],
    listening: [
      { port: 6443, address: '::', process: 'kube-apiserver' },
      { port: 2379, address: '127.0.0.1', process: 'etcd' },
    ],
    interfaces: [{ name: 'lo' }, { name: 'host0', mtu: 1500, addresses: ['192.168.13.30/24'] }],
    units: [{ name: 'kubelet', activeState: 'active', unitFileState: 'enabled' }],
    staticPods: [
      { component: 'kube-apiserver' },
      { component: 'kube-controller-manager' },
      { component: 'kube-scheduler' },
      { component: 'etcd' },
    ],
  })
  t.ok(Math.abs(facts.clockUnixMs - Date.now()) < 5000)
  const admin = facts.kubeconfigs.find(({ purpose }) => purpose === 'admin')
  t.match(admin, { server: 'https://192.168.13.30:6443', symlink: false, embeddedClientCertificate: true, problem: '' })
  t.match(
    facts.kubeconfigs.find(({ purpose }) => purpose === 'user'),
    { path: '/root/.kube/config', symlink: true, server: 'https://192.168.13.30:6443' },
  )
  const apiserver = facts.certificates.find(({ path }) => path === '/etc/kubernetes/pki/apiserver.crt')
  t.ok(apiserver?.sans.includes('192.168.13.30'))
  t.match(
    facts.certificates.find(({ path }) => path === '/etc/kubernetes/pki/ca.crt'),
    { isCa: true, publicKeyPin: /^sha256:[0-9a-f]{64}$/ },
  )
  t.match(
    facts.certificates.find(({ path }) => path === '/etc/kubernetes/admin.conf'),
    { subject: /kubernetes-admin/ },
  )
  t.match(facts.clusterCaPem, 'BEGIN CERTIFICATE')
  t.equal(facts.fileHashes['/etc/haproxy/haproxy.cfg'], undefined)
  t.match(facts.fileHashes['/etc/hosts'], /^[0-9a-f]{64}$/)
  t.ok(facts.leftovers.includes('/etc/kubernetes/pki/ca.crt'))
})

t.test('no key, token or client certificate is part of it', async (t) => {
  const node = await controlPlane(t)
  const key = Buffer.from('-----BEGIN RSA PRIVATE KEY-----\nvery secret').toString('base64')
  node.write('/etc/kubernetes/admin.conf', node.read('/etc/kubernetes/admin.conf').replace('cmVtb3ZlZA==', key))
  node.write(
    '/home/ann/.kube/config',
    node.read('/etc/kubernetes/admin.conf').replace(/client-certificate-data: .*/, 'token: eyjhunter2hunter2'),
  )
  node.write(
    '/run/quorate-agent/join-secret.json',
    JSON.stringify({
      ...{ token: 'abcdef.0123456789abcdef', certificateKey: '', endpoint: '127.0.0.1:6443' },
      caPem: node.read('/etc/kubernetes/pki/ca.crt'),
    }),
  )
  node.write('/etc/keepalived/keepalived.conf', 'vrrp_instance x {\n auth_pass hunter2\n}\n')
  const facts = await factsOf(node)
  const text = JSON.stringify(facts)
  for (const secret of [key, 'hunter2', '0123456789abcdef']) t.notMatch(text, secret)
  t.equal(facts.placedTokenId, 'abcdef')
  t.match(facts.foreignLoadBalancerConfigs['/etc/keepalived/keepalived.conf'], 'vrrp_instance x')
})

t.test("the kubelet's certificate names the node", async (t) => {
  const node = await controlPlane(t)
  const [key, certificate] = [node.path('/k'), node.path('/c')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      certificate,
      '-subj',
      '/O=system:nodes/CN=system:node:k8smaster1.example.com',
      '-days',
      '1',
    ],
    { stdio: 'ignore' },
  )
  node.write('/var/lib/kubelet/pki/kubelet-client-2026.pem', node.read('/c') + node.read('/k'), 0o600)
  node.link('/var/lib/kubelet/pki/kubelet-client-current.pem', '/var/lib/kubelet/pki/kubelet-client-2026.pem')
  const facts = await factsOf(node)
  t.equal(facts.nodeName, 'k8smaster1.example.com')
  t.notMatch(JSON.stringify(facts), 'PRIVATE KEY')
})

t.test('what is broken leaves its own part empty', async (t) => {
  const node = await controlPlane(t)
  node.write('/etc/kubernetes/kubelet.conf', '{ this is: [no kubeconfig')
  node.write('/etc/kubernetes/manifests/etcd.yaml', ':::')
  node.write('/etc/kubernetes/pki/apiserver.crt', 'rubbish')
  node.write('/run/ip-addr.json', 'not json')
  node.program('ss', 'exit 1')
  for (const name of ['kubeadm', 'kubectl', 'haproxy', 'timedatectl']) node.removeProgram(name)
  const facts = await factsOf(node)
  t.match(facts.kubeconfigs.find(({ purpose }) => purpose === 'kubelet')?.problem, /./)
  t.match(facts, {
    interfaces: [],
    listening: [],
    unread: [{ what: 'network interfaces' }, { what: 'listening ports' }],
    kubeadmVersion: '',
    haproxyInstalled: false,
    clockSynchronised: false,
  })
  t.equal(facts.staticPods.length, 3)
  t.equal(facts.kubeletVersion, 'v1.37.2')
  t.equal(facts.hostname, 'k8smaster1')
})

t.test('an empty node', async (t) => {
  const facts = await factsOf(await OpsNode.make(t))
  t.match(facts, {
    kubeconfigs: [],
    certificates: [],
    staticPods: [],
    strayManifests: [],
    leftovers: [],
    nodeName: '',
    caKeyPresent: false,
    clusterCaPem: '',
  })
  t.strictSame(facts.fileHashes, {})
})

t.test('what a package brought is nobody\u2019s, what a set-up network needs is no leftover', async (t) => {
  const node = await OpsNode.make(t)
  node.write('/etc/haproxy/haproxy.cfg', 'global\n\tlog /dev/log local0\ndefaults\n\tmode http\n')
  node.write('/etc/cni/net.d/10-lab.conflist', '{}')
  node.write('/etc/cni/net.d/10-calico.conflist', '{}')
  const facts = await factsOf(node)
  t.strictSame(facts.foreignLoadBalancerConfigs, {})
  t.strictSame(facts.leftovers, ['/etc/cni/net.d/10-calico.conflist'])
})

t.test("an operator's own haproxy and keepalived, wherever their configuration lies", async (t) => {
  const node = await OpsNode.make(t)
  node.write('/etc/haproxy/haproxy.cfg', 'global\n  daemon\n')
  node.write('/etc/haproxy/conf.d/shop.cfg', 'frontend shop\n  bind *:80\n')
  node.write('/etc/haproxy/conf.d/README', 'frontend none\n')
  node.write(
    '/etc/default/haproxy',
    '# EXTRAOPTS="-f /commented.cfg"\nEXTRAOPTS="-S /run/x.sock -f /srv/lb/extra.cfg"\n',
  )
  node.write('/srv/lb/extra.cfg', 'listen mail\n  bind :25\n')
  node.write('/commented.cfg', 'frontend none\n')
  node.write('/etc/sysconfig/haproxy', 'OPTIONS="-f /srv/folder"\n')
  node.write('/srv/folder/b.cfg', 'backend b\n')
  node.write('/etc/systemd/system/haproxy.service.d/10.conf', '[Service]\nEnvironment="CONFIG=/srv/main.cfg"\n')
  node.write('/srv/main.cfg', 'frontend main\n  user ann insecure-password hunter2\n')
  node.write('/etc/keepalived/keepalived.conf', 'include conf.d/*.conf\n')
  node.write('/etc/keepalived/conf.d/a.conf', 'include ../deeper/[ab]?.conf\nvrrp_instance a {\n}\n')
  node.write('/etc/keepalived/conf.d/.hidden.conf', 'vrrp_instance none {\n}\n')
  node.write('/etc/keepalived/deeper/b1.conf', 'include ../keepalived.conf\nvirtual_server 192.0.2.1 80 {\n}\n')
  node.write('/etc/keepalived/deeper/c1.conf', 'vrrp_instance none {\n}\n')
  const { foreignLoadBalancerConfigs: configs } = await factsOf(node)
  t.strictSame(Object.keys(configs).sort(), [
    '/etc/haproxy/conf.d/shop.cfg',
    '/etc/keepalived/conf.d/a.conf',
    '/etc/keepalived/deeper/b1.conf',
    '/srv/folder/b.cfg',
    '/srv/lb/extra.cfg',
    '/srv/main.cfg',
  ])
  t.notMatch(JSON.stringify(configs), 'hunter2')
})

t.test('SELinux, as its file system tells it', async (t) => {
  const node = await OpsNode.make(t)
  node.write('/sys/fs/selinux/enforce', '1')
  node.write('/sys/fs/selinux/booleans/haproxy_connect_any', '0 0')
  t.match((await factsOf(node)).machine?.selinux, { enforcing: true, booleans: { haproxy_connect_any: false } })
  node.write('/sys/fs/selinux/enforce', '0')
  node.write('/sys/fs/selinux/booleans/haproxy_connect_any', '1 1')
  t.match((await factsOf(node)).machine?.selinux, { enforcing: false, booleans: { haproxy_connect_any: true } })
})

t.test('files that the manifests name: there, missing and whole folders', async (t) => {
  const node = await controlPlane(t)
  const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml'
  const text = node
    .read(manifest)
    .replace('    - --secure-port=6443', '    - --secure-port=6443\n    - --audit-policy-file=/etc/audit/gone.yaml')
    .replace('    volumeMounts:', '    volumeMounts:\n    - {mountPath: /etc/audit, name: audit}')
    .replace('  volumes:', '  volumes:\n  - {name: audit, hostPath: {path: /etc/audit}}')
  node.write(manifest, text)
  node.write('/etc/audit/rules/a.yaml', 'a', 0o640)
  const facts = await factsOf(node)
  t.match(facts.sharedFiles, [
    { path: '/etc/audit', directory: true },
    { path: '/etc/audit/gone.yaml', directory: false, sha256: '', component: 'kube-apiserver' },
    { path: '/etc/audit/rules', directory: true },
    { path: '/etc/audit/rules/a.yaml', directory: false, sha256: sha256Hex('a'), mode: 0o640 },
  ])
  t.equal(facts.sharedFiles.length, 4)
})

t.test('another distribution is told', async (t) => {
  const node = await OpsNode.make(t)
  node.write('/var/lib/rancher/k3s/server/token', 'x')
  t.equal((await factsOf(node)).otherDistribution, 'k3s')
})

t.test('the cgroup driver of containerd is what its configuration says, and unknown where it does not', async (t) => {
  const node = await controlPlane(t)
  const driver = async (config: string) => {
    node.write('/etc/containerd/config.toml', config)
    return (await factsOf(node)).runtimeCgroupDriver
  }
  t.equal(await driver(`[plugins.x.${runc}]\n  SystemdCgroup = false\n`), 'cgroupfs')
  t.equal(await driver(`[plugins.'x'.containerd.runtimes.'runc'.options]\n  SystemdCgroup = true\n`), 'systemd')
  t.equal(await driver(`[plugins.x.containerd.runtimes.nvidia.options]\n  SystemdCgroup = false\n`), '')
  t.equal(await driver(`[plugins.x.${runc}]\n  # SystemdCgroup = true\n`), '')
  t.equal(await driver(''), '')
})

t.test('whom the resolver asks, also behind systemd-resolved', async (t) => {
  const node = await OpsNode.make(t)
  t.same((await factsOf(node)).nameservers, [])
  node.write(
    '/etc/resolv.conf',
    '# x\nsearch a.example\nnameserver 10.96.0.10\nnameserver fe80::1%eth0\noptions timeout:1\n',
  )
  t.same((await factsOf(node)).nameservers, ['10.96.0.10', 'fe80::1'])
  node.write('/run/systemd/resolve/resolv.conf', 'nameserver 192.168.13.1\nnameserver 192.168.13.1\n')
  t.same((await factsOf(node)).nameservers, ['10.96.0.10', 'fe80::1'], 'systemd-resolved is not asked')
  node.write('/etc/resolv.conf', 'nameserver 127.0.0.53\n')
  t.same((await factsOf(node)).nameservers, ['192.168.13.1'])
})

t.test('what cannot be read is named, and the rest is answered', async (t) => {
  const node = await controlPlane(t)
  const broken = (path: string): Host =>
    Object.assign(Object.create(node.tools.host), {
      list: async (folder: string) => {
        if (folder === path) throw new Error(`EIO: i/o error, scandir '${path}'`)
        return node.tools.host.list(folder)
      },
    } satisfies Pick<Host, 'list'>)
  const factsWith = async (path: string) => {
    const { facts } = await getNodeFacts.run({}, { ...node.tools, host: broken(path) }, new AbortController().signal)
    return facts
  }
  const home = await factsWith('/home')
  t.match(home?.unread, [{ what: 'kubeconfigs of users', problem: /EIO.*\/home/, needed: false }])
  t.ok(
    home?.kubeconfigs.some(({ path }) => path === '/root/.kube/config'),
    "root's own is there all the same",
  )
  const pki = await factsWith('/etc/kubernetes/pki')
  t.match(
    pki?.unread.map(({ what }) => what),
    ['certificates'],
  )
  t.equal(pki?.staticPods.length, 4)
})

t.test("a kubelet's configuration that cannot be read stays on the node, and why is told", async (t) => {
  const node = await controlPlane(t)
  const secret = 'staticPodURLHeader: {Authorization: [hunter2]}'
  for (const [text, line] of [
    [`kind: KubeletConfiguration\n\tx: 1\n${secret}\n`, 2],
    ['', 1],
    [`- a\n- ${secret}\n`, 1],
  ] as const) {
    node.write('/var/lib/kubelet/config.yaml', text)
    const facts = await factsOf(node)
    t.match(facts, { kubeletConfig: '', cgroupDriver: '' }, text)
    t.match(facts.unread, [
      {
        problem: new RegExp(`^/var/lib/kubelet/config\\.yaml, line ${line}: `),
        remedy: /vi \/var\/lib\/kubelet\/config\.yaml/,
      },
    ])
    t.equal(facts.unread.length, 1)
    t.ok(facts.unread[0]?.needed, 'the kubelet does not start without it')
    t.notMatch(JSON.stringify(facts), /hunter2/)
  }
})

t.test("a host's name and identity are one line, however much stands in their files", async (t) => {
  const node = await controlPlane(t)
  const named = async (text: string) => {
    for (const path of ['/etc/hostname', '/etc/machine-id', '/sys/class/dmi/id/product_uuid']) node.write(path, text)
    const { hostname, machineId, productUuid } = await factsOf(node)
    return [hostname, machineId, productUuid]
  }
  t.same(await named('# by hand\n\n k8smaster1 \nk8smaster2\n'), ['k8smaster1', 'k8smaster1', 'k8smaster1'])
  const [hostname, ...identities] = await named('x'.repeat(2 ** 20))
  t.same(identities, ['', ''])
  t.ok((hostname ?? '').length < 256, "the system's own instead")
})

t.test("a kubelet's configuration is read where its --config says", async (t) => {
  const node = await controlPlane(t)
  const [path, text] = ['/etc/kubernetes/kubelet-own.yaml', 'kind: KubeletConfiguration\nmaxPods: 42\n']
  node.write(path, `apiVersion: kubelet.config.k8s.io/v1beta1\n${text}`)
  node.write('/run/units/kubelet', `${node.read('/run/units/kubelet')}MainPID=4242\n`)
  node.write('/proc/4242/cmdline', ['/usr/bin/kubelet', `--config=${path}`, ''].join('\0'))
  const facts = await factsOf(node)
  t.match(facts.kubeletConfig, /maxPods: 42/)
  t.equal(facts.folders?.kubeletConfig, path)
  node.write(path, '- a\n')
  t.match((await factsOf(node)).unread, [{ problem: new RegExp(`^${path}, line 1: `) }])
})
