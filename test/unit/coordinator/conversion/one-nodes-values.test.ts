import { sharedComponentConfig } from '@quorate/coordinator/conversion/checks/shared-component-config'
import { sharedExtraArgs } from '@quorate/coordinator/conversion/checks/shared-extra-args'
import { hostsIn } from '@quorate/coordinator/conversion/facts/one-nodes-values'
import t from 'tap'
import { fakeRun } from '../../../support/paper-cluster/reads.js'
import { clusterConfiguration, configMap, nodeNames, soundWorld } from '../../../support/paper-cluster/world.js'

t.test('hosts of a value, in one spelling', async (t) => {
  const values: Readonly<Record<string, readonly string[]>> = {
    '192.168.13.30': ['192.168.13.30'],
    'https://192.168.13.30:2379,https://127.0.0.1:2379': ['192.168.13.30', '127.0.0.1'],
    'http://[FD00:0:0::0030]:2381/metrics': ['fd00::30'],
    'fd00:0000::30': ['fd00::30'],
    '[fd00::30]:10256': ['fd00::30'],
    '::ffff:192.168.13.30': ['192.168.13.30'],
    'cp1=https://192.168.13.30:2380': ['192.168.13.30'],
    'CP1.Example.com:6443': ['cp1.example.com'],
    '192.168.13.30/32': ['192.168.13.30'],
    '192.168.13.0/24': [],
    '/etc/kubernetes/pki/192.168.13.30.crt': [],
    'unix:///run/kms/192.168.13.30.sock': [],
    '/events#https://192.168.13.30:2379;https://192.168.13.31:2379': ['192.168.13.30', '192.168.13.31'],
    '': [],
  }
  for (const [value, hosts] of Object.entries(values)) t.same(hostsIn(value), hosts, value)
})

/** Without the components that a case is about. */
const base = clusterConfiguration().replaceAll(/^(?:apiServer|etcd):.*\n(?: .*\n)*/gm, '')

const found = async (configuration: string) => {
  const world = soundWorld()
  world.cluster.kubeadmConfig = configMap(base + configuration)
  return (await sharedExtraArgs.check(fakeRun(world))).map(({ severity, evidence }) => `${severity} ${evidence}`)
}

t.test('a flag of kubeadm-config is judged by what it says', async (t) => {
  const bad = [
    'apiServer: {extraArgs: {advertise-address: 192.168.13.30}}',
    'apiServer: {extraArgs: [{name: advertise-address, value: "192.168.13.30"}]}',
    'apiServer:\n  extraArgs:\n  - value: 192.168.13.30\n    name: bind-address',
    'apiServer:\n  extraArgs:\n    "advertise-address": &ip 192.168.13.30',
    'apiServer:\n  extraArgs: {external-hostname: K8SMASTER1.example.com}',
    'apiServer:\n  extraArgs: {etcd-servers: "https://192.168.13.30:2379"}',
    'controllerManager:\n  extraArgs:\n    bind-address: 10.9.9.9',
    'scheduler:\n  extraArgs:\n  - name: bind-address\n    value: "::ffff:192.168.13.30"',
    'etcd: {local: {extraArgs: {listen-metrics-urls: "http://127.0.0.1:2381,http://192.168.13.30:2381"}}}',
    `etcd:\n  local:\n    extraArgs:\n      name: ${nodeNames.cp1}`,
    `etcd:\n  local:\n    extraArgs:\n      initial-cluster: "${nodeNames.cp1}=https://192.168.13.30:2380"`,
    'etcd:\n  local:\n    extraArgs:\n    - {name: --listen-metrics-urls, value: http://192.168.13.30:2381}',
  ]
  for (const text of bad) t.match(await found(`${text}\n`), [/^error .*line \d+/], text)
  const good = [
    'scheduler:\n  extraArgs:\n    bind-address: 127.0.0.1',
    'scheduler:\n  extraArgs:\n  - {name: bind-address, value: "::1"}',
    'controllerManager: {extraArgs: {bind-address: 0.0.0.0}}',
    'controllerManager: {extraArgs: {bind-address: "::"}}',
    'etcd: {local: {extraArgs: {listen-metrics-urls: "http://0.0.0.0:2381"}}}',
    'etcd: {local: {extraArgs: {listen-metrics-urls: "http://[::]:2381"}}}',
    'apiServer: {extraArgs: {advertise-address: 192.168.13.100}}', // the virtual IP
    'apiServer: {extraArgs: {service-account-issuer: "https://192.168.13.30:6443"}}',
    'apiServer: {extraArgs: {audit-log-path: /var/log/192.168.13.30.log}}',
    'controllerManager: {extraArgs: {cluster-cidr: 192.168.13.0/24}}',
    'apiServer: {extraArgs: {etcd-servers: "https://192.168.13.30:2379,https://192.168.13.31:2379,https://192.168.13.32:2379"}}',
    'apiServer: {certSANs: [192.168.13.30]}',
    'apiServer: {extraArgs: }',
  ]
  for (const text of good) t.same(await found(`${text}\n`), [], text)
  t.match(await found('apiServer: {extraArgs: {oidc-issuer-url: "https://192.168.13.30:8443/dex"}}\n'), [/^warning/])
})

const kubeletText = (lines: string): string =>
  `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n${lines}\n`
const proxyText = (lines: string): string =>
  `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${lines}\n`

t.test('so are the configurations of kubelet and kube-proxy', async (t) => {
  const judged = async (kubelet: string, kubeProxy: string) => {
    const world = soundWorld()
    world.cluster.kubeletConfig = configMap(kubelet)
    world.cluster.kubeProxyConfig = configMap(kubeProxy)
    return (await sharedComponentConfig.check(fakeRun(world))).map(
      ({ severity, evidence }) => `${severity} ${evidence}`,
    )
  }
  const kubelets = {
    'address: 192.168.13.30': /^error kubelet-config, line 3.*address/,
    '"healthzBindAddress": "192.168.13.30"': /^error/,
    'address: 10.9.9.9': /^error/,
    'providerID: openstack:///4d3a': /^error.*providerID/,
    'clusterDNS: [192.168.13.30]': /^warning.*clusterDNS/,
  }
  for (const [line, said] of Object.entries(kubelets))
    t.match(await judged(kubeletText(line), proxyText('')), [said], line)
  const proxies = [
    'bindAddress: 192.168.13.30',
    'metricsBindAddress: 192.168.13.30:10249',
    `hostnameOverride: ${nodeNames.cp1}`,
  ]
  for (const line of proxies) t.match(await judged('', proxyText(line)), [/^error kube-proxy, line 3/], line)
  const fine = 'address: 0.0.0.0\nhealthzBindAddress: 127.0.0.1\nclusterDNS: [10.96.0.10, 169.254.20.10]\n'
  t.same(
    await judged(
      kubeletText(fine),
      proxyText('bindAddress: 0.0.0.0\nmetricsBindAddress: ""\nhostnameOverride: ""\nclusterCIDR: 10.244.0.0/16'),
    ),
    [],
  )
})
