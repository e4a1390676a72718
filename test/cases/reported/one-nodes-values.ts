import type { PublicCase } from './case.js'
import { inClusterConfiguration, inConfigMap } from './put.js'

interface Value {
  readonly id: string
  readonly kind: 'A5' | 'A6' | 'B1'
  readonly source: string
  readonly input: string
  readonly put: PublicCase['trial'] extends infer Trial
    ? Trial extends { plan: { put: infer Put } }
      ? Put
      : never
    : never
  /** Check and what it says; none where the value is everybody's. */
  readonly finds?: readonly [check: string, evidence: RegExp]
}

const extraArgs = (component: 'apiServer' | 'scheduler' | 'controllerManager', args: string) =>
  inClusterConfiguration((text) =>
    text.replace(new RegExp(`^${component}: {}$`, 'm'), `${component}: {extraArgs: ${args}}`),
  )
const etcdArgs = (args: string) =>
  inClusterConfiguration((text) =>
    text.replace(/^( *)dataDir: .*$/m, (line, indent) => `${line}\n${indent}extraArgs: ${args}`),
  )
const kubelet = (line: string) =>
  inConfigMap('kube-system', 'kubelet-config', ({ kubelet = '' }) => {
    const keys = line.split('\n').map((one) => one.replace(/:.*/, ''))
    const without = keys.reduce((text, key) => text.replace(new RegExp(`^${key}:.*\n`, 'm'), ''), kubelet)
    return { kubelet: `${without.trimEnd()}\n${line}\n` }
  })
const kubeProxy = (line: string) =>
  inConfigMap('kube-system', 'kube-proxy', (data) => ({
    'config.conf': `${(data['config.conf'] ?? 'kind: KubeProxyConfiguration\n').trimEnd()}\n${line}\n`,
  }))

const values: readonly Value[] = [
  {
    id: 'etcd-metrics-on-the-first-address',
    kind: 'A5',
    source: 'kubernetes/kubeadm#1468',
    input: "kubeadm-config has etcd listen for metrics at the first node's address.",
    put: etcdArgs('[{name: listen-metrics-urls, value: "http://127.0.0.1:2381,http://192.168.13.30:2381"}]'),
    finds: ['shared-extra-args', /listen-metrics-urls/],
  },
  {
    id: 'advertise-address-in-one-line',
    kind: 'A5',
    source: 'kubernetes/kubeadm#1468',
    input: "kubeadm-config has `extraArgs` with the first node's `advertise-address` in one line.",
    put: extraArgs('apiServer', '[{"name":"advertise-address","value":"192.168.13.30"}]'),
    finds: ['shared-extra-args', /apiServer\.extraArgs, line \d+.*advertise-address: 192\.168\.13\.30/],
  },
  {
    id: 'bind-address-mapped-into-ipv6',
    kind: 'A5',
    source: 'kubernetes/kubeadm#1468',
    input: "kubeadm-config has the controller-manager listen at the first node's address, written as one of IPv6.",
    put: extraArgs('controllerManager', '[{name: bind-address, value: "::ffff:192.168.13.30"}]'),
    finds: ['shared-extra-args', /controllerManager/],
  },
  {
    id: 'external-hostname-of-the-first-node',
    kind: 'A5',
    source: 'kubernetes/kubeadm#3175',
    input: "kubeadm-config gives every API server the first node's name, in capitals.",
    put: extraArgs('apiServer', '[{name: external-hostname, value: K8SMASTER1.example.com}]'),
    finds: ['shared-extra-args', /external-hostname/],
  },
  {
    id: 'kubelet-address-of-the-first-node',
    kind: 'A6',
    source: 'kubernetes/kubeadm#2647',
    input: 'kubelet-config has `address:` of the first node.',
    put: kubelet('address: 192.168.13.30'),
    finds: ['shared-component-config', /kubelet-config, line \d+ of kubelet: address: 192\.168\.13\.30/],
  },
  {
    id: 'kubelet-health-at-the-first-address',
    kind: 'A6',
    source: 'kubernetes/kubeadm#2647',
    input: 'kubelet-config has `healthzBindAddress:` of the first node.',
    put: kubelet('healthzBindAddress: "192.168.13.30"'),
    finds: ['shared-component-config', /healthzBindAddress/],
  },
  {
    id: 'kube-proxy-metrics-at-the-first-address',
    kind: 'A6',
    source: 'kubernetes/kubeadm#2647',
    input: 'The configuration of kube-proxy has `metricsBindAddress:` of the first node.',
    put: kubeProxy('metricsBindAddress: 192.168.13.30:10249'),
    finds: ['shared-component-config', /kube-proxy, line \d+ of config\.conf: metricsBindAddress/],
  },
  {
    id: 'kube-proxy-named-after-the-first-node',
    kind: 'A6',
    source: 'kubernetes/kubeadm#857',
    input: 'The configuration of kube-proxy has `hostnameOverride:` of the first node.',
    put: kubeProxy('hostnameOverride: k8smaster1.example.com'),
    finds: ['shared-component-config', /hostnameOverride/],
  },
  {
    id: 'scheduler-on-loopback',
    kind: 'B1',
    source: 'CIS Kubernetes Benchmark 1.4.2, kubernetes/kubeadm#2036',
    input: 'kubeadm-config has the scheduler listen on 127.0.0.1.',
    put: extraArgs('scheduler', '[{name: bind-address, value: 127.0.0.1}]'),
  },
  {
    id: 'controller-manager-on-loopback-of-ipv6',
    kind: 'B1',
    source: 'CIS Kubernetes Benchmark 1.3.7',
    input: 'kubeadm-config has the controller-manager listen on ::1.',
    put: extraArgs('controllerManager', '[{name: bind-address, value: "::1"}]'),
  },
  {
    id: 'kubelet-health-on-loopback',
    kind: 'B1',
    source: 'CIS Kubernetes Benchmark',
    input: 'kubelet-config has `healthzBindAddress: 127.0.0.1` and `address: 0.0.0.0`.',
    put: kubelet('healthzBindAddress: 127.0.0.1\naddress: 0.0.0.0'),
  },
]

export const oneNodesValues: readonly PublicCase[] = values.map(({ id, kind, source, input, put, finds }) => ({
  ...{ id, kind, source: [source], input },
  outcome: finds === undefined ? 'accepted' : 'blocked',
  answer:
    finds === undefined
      ? 'The value is the same for every node, and nothing is said.'
      : 'A finding names the field, its line and the node that the value belongs to.',
  trial: {
    plan: {
      put,
      seenBy: ['control-planes-alike'],
      finds:
        finds === undefined
          ? []
          : [
              {
                check: finds[0],
                severity: 'error',
                evidence: finds[1],
                remedy: /kubectl -n kube-system edit configmap/,
              },
            ],
    },
  },
}))
