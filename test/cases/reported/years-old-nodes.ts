import { readFileSync } from 'node:fs'
import { allChecks } from '@quorate/coordinator/conversion/checks/all'
import type { Check } from '@quorate/coordinator/conversion/checks/check'
import type { Test } from 'tap'
import { readCloudInitHosts } from '../../../agent/src/ops/facts/cloud-init.js'
import { readKubeletFlags } from '../../../agent/src/ops/facts/kubelet-flags.js'
import { readRuntime } from '../../../agent/src/ops/facts/runtime.js'
import type { SimulatedCluster } from '../../../lab/simulated/cluster.js'
import { converts } from '../../matrix/assertions.js'
import { OpsNode } from '../../support/ops-node.js'
import { fakeRun } from '../../support/paper-cluster/reads.js'
import { nodeNames, soundWorld, type World } from '../../support/paper-cluster/world.js'
import type { ExpectedFinding, PublicCase } from './case.js'

type Files = Readonly<Record<string, string>>

async function hostWith(t: Test, files: Files) {
  const node = await OpsNode.make(t)
  for (const [path, text] of Object.entries(files)) node.write(path, text)
  return node.tools.host
}

/** One check over a sound world with something put in; with no finding expected it must have none at all above `info`. */
const checkFinds =
  (id: string, put: (world: World) => void, finding?: Omit<ExpectedFinding, 'check'>) =>
  async (t: Test): Promise<void> => {
    const world = soundWorld()
    put(world)
    const check = allChecks.find((one) => one.id === id) as Check
    const found = await check.check(fakeRun(world))
    if (finding === undefined)
      return void t.same(
        found.filter(({ severity }) => severity !== 'info'),
        [],
      )
    const { on, ...rest } = finding
    const node = on === undefined ? {} : { node: nodeNames[on as keyof typeof nodeNames] }
    t.match(
      found.find(({ severity }) => severity === finding.severity),
      { ...rest, ...node },
    )
  }

const { cp1, cp2 } = nodeNames
const facts = (world: World, node: string) => world.facts[node] as World['facts'][string]

const runtime = (
  id: string,
  input: string,
  answer: string,
  call: (t: Test) => Promise<void>,
  outcome: PublicCase['outcome'] = 'accepted',
): PublicCase => ({
  ...{ id, kind: 'B7', source: ['cri-o/cri-o#4445'], input, answer, outcome, trial: { call } },
})

const crioSocket = '/var/run/crio/crio.sock'
const containerdSocket = '/run/containerd/containerd.sock'
const leftover = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]\n  SystemdCgroup = false\n'

const driver =
  (socket: string, files: Files, runtimeCgroupDriver: string, runtimeConfigPath: string) => async (t: Test) => {
    const host = await hostWith(t, files)
    t.same(await readRuntime(host, socket), { runtimeCgroupDriver, runtimeConfigPath })
  }

const runtimes: readonly PublicCase[] = [
  runtime(
    'crio-beside-containerd',
    "CRI-O runs; containerd's config.toml of an earlier life has cgroupfs",
    "CRI-O's own driver is judged.",
    driver(crioSocket, { '/etc/containerd/config.toml': leftover }, 'systemd', ''),
  ),
  runtime(
    'crio-drop-in',
    'CRI-O has cgroupfs in crio.conf.d',
    'The last of its files counts.',
    driver(
      crioSocket,
      {
        '/etc/crio/crio.conf': '[crio.runtime]\ncgroup_manager = "systemd"\n',
        '/etc/crio/crio.conf.d/10-old.conf': '[crio.runtime]\n# comment\ncgroup_manager = "cgroupfs" # why\n',
      },
      'cgroupfs',
      '/etc/crio/crio.conf.d/10-old.conf',
    ),
  ),
  runtime(
    'crio-other-table',
    'cgroup_manager stands under another table',
    'It is not taken for the setting.',
    driver(crioSocket, { '/etc/crio/crio.conf': '[crio.image]\ncgroup_manager = "cgroupfs"\n' }, 'systemd', ''),
  ),
  runtime(
    'containerd-imports',
    "containerd's config.toml imports conf.d/*.toml, where the driver is",
    'Imports are followed.',
    driver(
      containerdSocket,
      {
        '/etc/containerd/config.toml': 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n',
        '/etc/containerd/conf.d/10-cgroup.toml': leftover.replace('false', 'true'),
      },
      'systemd',
      '/etc/containerd/conf.d/10-cgroup.toml',
    ),
  ),
  runtime(
    'containerd-imports-relative',
    'an import is named relative to the file, and says the opposite of it',
    'The import counts.',
    driver(
      containerdSocket,
      {
        '/etc/containerd/config.toml': `imports = ['conf.d/a.toml']\n${leftover.replace('false', 'true')}`,
        '/etc/containerd/conf.d/a.toml': leftover,
      },
      'cgroupfs',
      '/etc/containerd/conf.d/a.toml',
    ),
  ),
  runtime(
    'containerd-dotted-key',
    'the option is written as one dotted key',
    'It is read.',
    driver(
      containerdSocket,
      {
        '/etc/containerd/config.toml':
          '[plugins."io.containerd.grpc.v1.cri".containerd]\nruntimes.runc.options.SystemdCgroup = false\n',
      },
      'cgroupfs',
      '/etc/containerd/config.toml',
    ),
  ),
  runtime(
    'crio-mismatch',
    'CRI-O has cgroupfs where the kubelets have systemd',
    "An error with CRI-O's own file and unit in the command.",
    checkFinds(
      'cgroup-driver',
      (w) =>
        Object.assign(facts(w, cp2), {
          containerRuntime: 'cri-o 1.27.1',
          criSocket: crioSocket,
          runtimeCgroupDriver: 'cgroupfs',
          runtimeConfigPath: '/etc/crio/crio.conf',
        }),
      {
        severity: 'error',
        on: 'cp2',
        message: /^CRI-O has the cgroup driver cgroupfs/,
        remedy: /crio\.conf\.d.*systemctl restart crio/,
      },
    ),
    'blocked',
  ),
  runtime(
    'crio-does-not-answer',
    'CRI-O does not answer',
    'The remedy speaks of CRI-O.',
    checkFinds(
      'container-runtime',
      (w) => Object.assign(facts(w, cp2), { containerRuntime: '', criSocket: crioSocket }),
      { severity: 'error', on: 'cp2', remedy: /systemctl status crio/ },
    ),
    'blocked',
  ),
]

const cloud = (
  id: string,
  name: string,
  dmi: Files,
  finding?: Omit<ExpectedFinding, 'check'>,
  providerId = '',
): PublicCase => ({
  id,
  kind: 'cloud',
  source: ['kube-vip/kube-vip, documentation: ARP in clouds', 'acassen/keepalived, issues about clouds'],
  input: `${name}, with a virtual IP by keepalived`,
  outcome: finding === undefined ? 'accepted' : finding.severity === 'error' ? 'blocked' : 'reported',
  answer: finding === undefined ? 'Nothing: it is no cloud.' : 'A finding names the load balancer that works there.',
  trial: {
    call: checkFinds(
      'virtual-ip-in-cloud',
      (w) => {
        facts(w, cp1).dmi = dmi
        const [first] = w.cluster.nodes
        if (first !== undefined) first.providerId = providerId
      },
      finding,
    ),
  },
})

const inCloud = (message: RegExp, remedy: RegExp) => ({ severity: 'error' as const, on: 'cp1', message, remedy })
const virtualIps: readonly PublicCase[] = [
  cloud(
    'arp-on-ec2',
    'Amazon EC2',
    { sys_vendor: 'Amazon EC2', product_name: 't3.large' },
    inCloud(/Amazon EC2/, /kind: external.*Network Load Balancer.*node-local/),
  ),
  cloud(
    'arp-on-old-ec2',
    'Amazon EC2 on Xen',
    { sys_vendor: 'Xen', bios_version: '4.11.amazon' },
    inCloud(/Amazon EC2/, /external/),
  ),
  cloud(
    'arp-on-gce',
    'Google Compute Engine',
    { sys_vendor: 'Google', product_name: 'Google Compute Engine' },
    inCloud(/Google/, /passthrough/),
  ),
  cloud(
    'arp-on-azure',
    'Azure',
    {
      sys_vendor: 'Microsoft Corporation',
      product_name: 'Virtual Machine',
      chassis_asset_tag: '7783-7084-3265-9085-8269-3286-77',
    },
    inCloud(/Azure/, /Standard Load Balancer/),
  ),
  cloud(
    'arp-by-provider-id',
    'a Node with providerID aws, its firmware silent',
    {},
    inCloud(/Amazon EC2/, /external/),
    'aws:///eu-west-1a/i-0123456789abcdef0',
  ),
  cloud(
    'arp-on-openstack',
    'OpenStack',
    { sys_vendor: 'OpenStack Foundation', product_name: 'OpenStack Nova' },
    { severity: 'warning', on: 'cp1', message: /OpenStack/, remedy: /allowed-address ip-address=192\.168\.13\.100/ },
  ),
  cloud('hyper-v-at-home', 'Hyper-V on machines of their own', {
    sys_vendor: 'Microsoft Corporation',
    product_name: 'Virtual Machine',
    chassis_asset_tag: '1234-5678',
  }),
  cloud('vmware-at-home', 'VMware', { sys_vendor: 'VMware, Inc.', product_name: 'VMware Virtual Platform' }),
]

const manages = (id: string, input: string, files: Files, where: string | undefined): PublicCase => ({
  ...{ id, kind: 'A9', source: ['kubesphere/kubesphere#5295'], input },
  outcome: where === undefined ? 'accepted' : 'blocked',
  answer: where === undefined ? 'Nothing.' : 'An error names the setting and the template, with what to type.',
  trial: {
    call: async (t) => {
      const host = await hostWith(t, { '/etc/os-release': 'ID=ubuntu\nID_LIKE=debian\n', ...files })
      const seen = await readCloudInitHosts(host)
      t.equal(seen?.where, where)
      const put = (w: World) => {
        Object.assign(w.file.policy, { manageHosts: true })
        facts(w, cp1).cloudInitHosts = seen
      }
      const finding = {
        severity: 'error' as const,
        on: 'cp1',
        message: /at each boot/,
        remedy: /echo '192\.168\.13\.100 apiserver\.example\.com' >> \/etc\/cloud\/templates\/hosts\.debian\.tmpl/,
      }
      await checkFinds('cloud-init-hosts', put, where === undefined ? undefined : finding)(t)
    },
  },
})

const cloudInit: readonly PublicCase[] = [
  manages(
    'cloud-init-cfg',
    'manage_etc_hosts: true in cloud.cfg',
    { '/etc/cloud/cloud.cfg': 'users: [default]\nmanage_etc_hosts: true\n' },
    '/etc/cloud/cloud.cfg',
  ),
  manages(
    'cloud-init-drop-in',
    'a drop-in sets it, as a string',
    {
      '/etc/cloud/cloud.cfg': 'manage_etc_hosts: false\n',
      '/etc/cloud/cloud.cfg.d/50-hosts.cfg': 'manage_etc_hosts: "True"\n',
    },
    '/etc/cloud/cloud.cfg.d/50-hosts.cfg',
  ),
  manages(
    'cloud-init-user-data',
    'user data sets it, against the system',
    {
      '/etc/cloud/cloud.cfg.d/99.cfg': 'manage_etc_hosts: false\n',
      '/var/lib/cloud/instance/cloud-config.txt': '#cloud-config\nmanage_etc_hosts: true\n',
    },
    '/var/lib/cloud/instance/cloud-config.txt',
  ),
  manages(
    'cloud-init-jinja',
    'user data is a Jinja template',
    {
      '/var/lib/cloud/instance/cloud-config.txt':
        '## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}\nmanage_etc_hosts: yes\n',
    },
    '/var/lib/cloud/instance/cloud-config.txt',
  ),
  manages(
    'cloud-init-localhost',
    'manage_etc_hosts: localhost, which changes one line of its own',
    { '/etc/cloud/cloud.cfg': 'manage_etc_hosts: localhost\n' },
    undefined,
  ),
  manages(
    'cloud-init-disabled',
    'cloud-init is switched off',
    { '/etc/cloud/cloud.cfg': 'manage_etc_hosts: true\n', '/etc/cloud/cloud-init.disabled': '' },
    undefined,
  ),
  {
    id: 'cloud-init-template-has-it',
    kind: 'A9',
    source: ['kubesphere/kubesphere#5295'],
    input: 'manage_etc_hosts: true, and the operator wrote the endpoint into the template',
    outcome: 'accepted',
    answer: 'Nothing.',
    trial: {
      call: checkFinds('cloud-init-hosts', (w) => {
        Object.assign(w.file.policy, { manageHosts: true })
        const templateText = '127.0.0.1 localhost\n192.168.13.100 apiserver.example.com\n'
        facts(w, cp1).cloudInitHosts = {
          where: '/etc/cloud/cloud.cfg',
          template: '/etc/cloud/templates/hosts.debian.tmpl',
          templateText,
        }
      }),
    },
  },
]

const flags = (id: string, input: string, files: Files, expected: Readonly<Record<string, string>>): PublicCase => ({
  ...{ id, kind: 'kubelet-flags', source: ['kubernetes/release, 10-kubeadm.conf', 'kubernetes/kubeadm#1575'], input },
  outcome: 'supported',
  answer: "The flags are read as the node's systemd gives them to its kubelet.",
  trial: {
    call: async (t) => {
      const seen = await readKubeletFlags(await hostWith(t, files))
      t.strictSame(Object.fromEntries(seen.map(({ name, value }) => [name, value])), expected)
    },
  },
})

const dropIn = '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf'
const kubeadmDropIn = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`
const kubeconfigs = {
  'bootstrap-kubeconfig': '/etc/kubernetes/bootstrap-kubelet.conf',
  kubeconfig: '/etc/kubernetes/kubelet.conf',
}
const env = {
  '/var/lib/kubelet/kubeadm-flags.env':
    'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/containerd/containerd.sock --pod-infra-container-image=registry.k8s.io/pause:3.9"\n',
}
const ofEnv = {
  'container-runtime-endpoint': 'unix:///run/containerd/containerd.sock',
  'pod-infra-container-image': 'registry.k8s.io/pause:3.9',
}

const kubeletFlags: readonly PublicCase[] = [
  flags(
    'flags-in-default',
    'KUBELET_EXTRA_ARGS in /etc/default/kubelet',
    {
      [dropIn]: kubeadmDropIn,
      ...env,
      '/etc/default/kubelet': 'KUBELET_EXTRA_ARGS=--cloud-provider=external --node-labels=a=b,c=d\n',
      '/etc/sysconfig/kubelet': 'KUBELET_EXTRA_ARGS=--not-read=true\n',
    },
    { ...kubeconfigs, ...ofEnv, 'cloud-provider': 'external', 'node-labels': 'a=b,c=d' },
  ),
  flags(
    'flags-as-two-words',
    'values as words of their own, in quotes',
    { '/etc/sysconfig/kubelet': 'KUBELET_EXTRA_ARGS="--cloud-provider external --fail-swap-on"\n' },
    { 'cloud-provider': 'external', 'fail-swap-on': 'true' },
  ),
  flags(
    'flags-in-drop-in',
    'an operator’s drop-in after kubeadm’s',
    {
      [dropIn]: kubeadmDropIn,
      ...env,
      '/etc/systemd/system/kubelet.service.d/20-extra.conf':
        '[Service]\nEnvironment="KUBELET_EXTRA_ARGS=--max-pods=200" "HTTPS_PROXY=http://proxy"\n',
    },
    { ...kubeconfigs, ...ofEnv, 'max-pods': '200' },
  ),
  flags(
    'flags-in-exec-start',
    'an ExecStart over several lines',
    {
      '/etc/systemd/system/kubelet.service':
        '[Service]\nExecStart=/usr/bin/kubelet \\\n  --config=/var/lib/kubelet/config.yaml \\\n  --cloud-provider=external\n',
    },
    { config: '/var/lib/kubelet/config.yaml', 'cloud-provider': 'external' },
  ),
  flags(
    'flags-in-comments',
    'commented lines',
    { '/etc/default/kubelet': '# KUBELET_EXTRA_ARGS=--cloud-provider=external\nKUBELET_EXTRA_ARGS=\n' },
    {},
  ),
]

const cloudFlag = { name: 'cloud-provider', value: 'external', where: '/etc/default/kubelet' }
const source = ['kubernetes/cloud-provider-openstack, documentation', 'kubernetes/kubeadm#1575']
const given = (
  id: string,
  input: string,
  put: (world: World) => void,
  finding?: Omit<ExpectedFinding, 'check'>,
  check = 'kubelet-flags',
): PublicCase => ({
  ...{ id, kind: check, source, input, trial: { call: checkFinds(check, put, finding) } },
  outcome: finding === undefined ? 'accepted' : finding.severity === 'error' ? 'blocked' : 'offered',
  answer:
    finding === undefined ? 'Nothing.' : 'A finding names the flags and the policy by which the joiners get them.',
})
const policy = (world: World, chosen: object) => Object.assign(world.file.policy, chosen)

const registrations: readonly PublicCase[] = [
  given(
    'cloud-provider-lacking',
    "the first kubelet has --cloud-provider=external, the joiners' have not",
    (w) => facts(w, cp1).kubeletFlags.push(cloudFlag),
    {
      severity: 'error',
      on: 'cp2',
      message: /--cloud-provider=external/,
      remedy: /policy\.kubeletExtraArgs: as-first/,
    },
  ),
  given('cloud-provider-given', 'the operator chose as-first', (w) => {
    policy(w, { kubeletExtraArgs: 'as-first' })
    facts(w, cp1).kubeletFlags.push(cloudFlag)
  }),
  given('cloud-provider-there', 'the joiners were made with the same file', (w) => {
    for (const node of Object.keys(w.facts)) facts(w, node).kubeletFlags.push(cloudFlag)
  }),
  given(
    'max-pods-lacking',
    '--max-pods in the drop-in of the first alone',
    (w) =>
      facts(w, cp1).kubeletFlags.push({
        name: 'max-pods',
        value: '200',
        where: '/etc/systemd/system/kubelet.service.d/20.conf',
      }),
    { severity: 'warning', on: 'cp2', message: /--max-pods=200/, remedy: /as-first/ },
  ),
  given(
    'max-pods-otherwise',
    'the joiner has another value of its own, which outweighs a given one',
    (w) => {
      policy(w, { kubeletExtraArgs: 'as-first' })
      facts(w, cp1).kubeletFlags.push({ name: 'max-pods', value: '200', where: '/etc/default/kubelet' })
      facts(w, cp2).kubeletFlags.push({ name: 'max-pods', value: '110', where: '/etc/default/kubelet' })
    },
    { severity: 'warning', on: 'cp2', remedy: /make \/etc\/default\/kubelet: --max-pods=110/ },
  ),
  given(
    'flags-of-one-node',
    "--node-ip, --hostname-override, --provider-id, labels of a zone, and kubeadm's own flags",
    (w) =>
      facts(w, cp1).kubeletFlags.push(
        ...Object.entries({
          'node-ip': '192.168.13.30',
          'hostname-override': cp1,
          'provider-id': 'aws:///a/i-0',
          'node-labels': 'topology.kubernetes.io/zone=a',
          'container-runtime-endpoint': 'unix:///run/containerd/containerd.sock',
        }).map(([name, value]) => ({ name, value, where: '/etc/default/kubelet' })),
        {
          name: 'pod-infra-container-image',
          value: 'registry.k8s.io/pause:3.9',
          where: '/var/lib/kubelet/kubeadm-flags.env',
        },
      ),
  ),
  given(
    'pause-image-of-the-operator',
    '--pod-infra-container-image of a registry of their own',
    (w) =>
      facts(w, cp1).kubeletFlags.push({
        name: 'pod-infra-container-image',
        value: 'registry.example.com/pause:3.9',
        where: '/etc/sysconfig/kubelet',
      }),
    { severity: 'warning', on: 'cp2', message: /registry\.example\.com\/pause/, remedy: /as-first/ },
  ),
  given(
    'value-with-spaces',
    'a value that kubeadm-flags.env cannot hold',
    (w) => {
      policy(w, { kubeletExtraArgs: 'as-first' })
      facts(w, cp1).kubeletFlags.push({ name: 'node-labels', value: 'a=b c', where: '/etc/default/kubelet' })
    },
    { severity: 'warning', on: 'cp2', remedy: /by hand, as on/ },
  ),
  given(
    'uninitialized-node',
    'a Node that the cloud provider does not know',
    (w) => w.cluster.nodes[1]?.taints.push('node.cloudprovider.kubernetes.io/uninitialized=true:NoSchedule'),
    { severity: 'error', on: 'worker', remedy: /cloud-controller-manager/ },
    'cloud-provider',
  ),
  given(
    'schedulable-first',
    'the first control plane runs workloads',
    (w) => Object.assign(w.cluster.nodes[0] ?? {}, { taints: [] }),
    { severity: 'warning', on: 'cp1', message: /none: it runs workloads/, remedy: /controlPlaneTaints: as-first/ },
    'control-plane-taints',
  ),
  given(
    'schedulable-first-chosen',
    'the first control plane runs workloads, and the operator chose',
    (w) => {
      policy(w, { controlPlaneTaints: 'kubeadm' })
      Object.assign(w.cluster.nodes[0] ?? {}, { taints: [] })
    },
    undefined,
    'control-plane-taints',
  ),
  given(
    'cordoned-first',
    'the first control plane is cordoned and under pressure',
    (w) =>
      w.cluster.nodes[0]?.taints.push(
        'node.kubernetes.io/unschedulable:NoSchedule',
        'node.kubernetes.io/memory-pressure:NoSchedule',
      ),
    undefined,
    'control-plane-taints',
  ),
  given(
    'other-taint',
    'a taint of its own',
    (w) => w.cluster.nodes[0]?.taints.push('dedicated=control:NoExecute'),
    { severity: 'warning', on: 'cp1', message: /dedicated=control:NoExecute/ },
    'control-plane-taints',
  ),
  given(
    'label-of-first',
    'a label of its own, which a backup job selects',
    (w) =>
      Object.assign(w.cluster.nodes[0] ?? {}, {
        labels: { 'example.com/backup': 'yes', 'kubernetes.io/hostname': 'a' },
      }),
    {
      severity: 'info',
      on: 'cp1',
      message: /example\.com\/backup=yes/,
      remedy: /kubectl label node k8smaster2\.example\.com k8smaster3\.example\.com example\.com\/backup=yes/,
    },
    'node-labels',
  ),
]

/** The first control plane as the operator made it: flags of its kubelet, and no taint. */
async function madeByOperator(cluster: SimulatedCluster): Promise<void> {
  const { name } = cluster.node('cp1')
  const text = 'KUBELET_EXTRA_ARGS="--node-labels=team=storage,topology.kubernetes.io/zone=a --max-pods 200"\n'
  await cluster.control.ask('writeFile', { node: name, path: '/etc/default/kubelet', text })
  const path = `/api/v1/nodes/${name}`
  const contentType = 'application/merge-patch+json'
  await cluster.control.ask('kube', { method: 'PATCH', path, body: { spec: { taints: [] } }, contentType })
}

async function likeTheFirst(t: Test, cluster: SimulatedCluster): Promise<void> {
  for (const short of ['cp2', 'cp3']) {
    const { name, root } = cluster.node(short)
    const flags = readFileSync(`${root}/var/lib/kubelet/kubeadm-flags.env`, 'utf8')
    t.match(flags, /--node-labels=team=storage --max-pods=200"/, `${short}: the flags, without the zone of cp1`)
    const { body } = await cluster.control.ask<{ body: { spec: { taints?: unknown[] } } }>('kube', {
      method: 'GET',
      path: `/api/v1/nodes/${name}`,
    })
    t.same(body.spec.taints ?? [], [], `${short}: no taint`)
  }
}

const converted: PublicCase = {
  id: 'registered-as-first',
  kind: 'kubelet-flags',
  source,
  input: 'the first kubelet has flags of its own and its Node no taint; policy as-first for both',
  outcome: 'supported',
  answer: "The plan shows the joiners' nodeRegistration; they have the flags, and no taint; undone byte for byte.",
  trial: {
    conversion: (t) =>
      converts(t, {
        file: { policy: ['  kubeletExtraArgs: as-first', '  controlPlaneTaints: as-first'] },
        prepare: madeByOperator,
        looks: (cluster) => likeTheFirst(t, cluster),
        undone: true,
      }),
  },
}

/** What only operators of clusters of this age know of their nodes. */
export const yearsOldNodes: readonly PublicCase[] = [
  ...runtimes,
  ...virtualIps,
  ...cloudInit,
  ...kubeletFlags,
  ...registrations,
  converted,
]
